"""The small part of kustomize that checks the manifests is strict."""

from pathlib import Path

import pytest

from tests.support.kustomize import CannotRender, render

HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: '1'\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_patch_changes_adds_and_deletes(tmp_path: Path) -> None:
    patch = MAP.replace("x: '1'", "x: null\n  y: '2'")
    write(tmp_path, kustomization=HEAD + "resources: [map.yaml]\npatches: [{path: patch.yaml}]", map=MAP, patch=patch)
    assert [resource["data"] for resource in render(tmp_path)] == [{"y": "2"}]


@pytest.mark.parametrize(
    ("kustomization", "patch", "why"),
    [
        (HEAD + "resources: [other.yaml]", MAP, "other.yaml is missing"),
        (HEAD + "resources: [map.yaml, map.yaml]", MAP, "twice"),
        (HEAD + "resources: [map.yaml]\nnamePrefix: a", MAP, "namePrefix"),
        ("resources: [map.yaml]", MAP, "is no kustomization"),
        (HEAD + "resources: [map.yaml]\npatches: [{path: patch.yaml}]", MAP.replace("name: a", "name: b"), "no target"),
        (HEAD + "resources: [map.yaml]\npatches: [{path: patch.yaml}]", MAP.replace("x: '1'", "y: null"), "no y"),
        (HEAD + "resources: [map.yaml]\npatches: [{path: patch.yaml, target: {}}]", MAP, "path only"),
    ],
)
def test_what_can_not_be_rendered_is_an_error(tmp_path: Path, kustomization: str, patch: str, why: str) -> None:
    write(tmp_path, kustomization=kustomization, map=MAP, patch=patch)
    with pytest.raises(CannotRender, match=why):
        render(tmp_path)


def test_a_folder_without_a_kustomization_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="is missing"):
        render(tmp_path)
