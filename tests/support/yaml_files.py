"""Reading YAML strictly: a key that is given twice is an error, as it is for Kubernetes and Compose."""

from pathlib import Path
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """PyYAML itself silently takes the last one of two equal keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key is given twice", node.start_mark)
        return mapping


def load(file: Path) -> Any:
    """The one document of a file."""
    return yaml.load(file.read_text(), StrictLoader)


def parse_all(text: str) -> list[Any]:
    """All documents of a text."""
    return list(yaml.load_all(text, StrictLoader))
