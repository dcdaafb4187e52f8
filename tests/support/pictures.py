"""What tests ask of a picture of the documentation."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

MIN_TEXT = 9
"""Pixels of the smallest text that is legible."""


def text_size(picture: Path, shown_width: float) -> float:
    """The smallest text of an SVG in pixels, if it is shown at this width."""
    text = picture.read_text()
    width = float(ET.fromstring(text).attrib["viewBox"].split()[2])
    sizes = re.findall(r"font(?:-size)?: (?:\d+ )?([\d.]+)px", text)
    return min(map(float, sizes)) * shown_width / width
