"""The README's picture is what its source makes."""

import runpy
import xml.etree.ElementTree as ET

from tests.support.documents import ROOT

FOLDER = ROOT / "docs" / "diagrams"


def test_the_committed_picture_is_what_its_source_makes() -> None:
    """Remake it with `make docs`."""
    drawn = runpy.run_path(str(FOLDER / "message_flow.py"))["draw"]()
    assert (FOLDER / "message_flow.svg").read_text() == drawn


def test_the_picture_is_valid_and_has_a_title_and_both_colour_schemes() -> None:
    picture = (FOLDER / "message_flow.svg").read_text()
    assert ET.fromstring(picture).find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in picture
