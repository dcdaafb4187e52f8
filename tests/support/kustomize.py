"""A small, strict part of kustomize: resources, and patches by strategic merge.

It exists so that the manifests can be checked where there is no `kustomize`. It raises `CannotRender` for whatever it
does not know, for a file that is missing, and for a patch without a target, rather than to render something else than
kustomize would.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from tests.support.yaml_files import load

Resource: TypeAlias = dict[str, Any]

KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}

KNOWN_FIELDS = {"apiVersion", "kind", "resources", "patches"}

MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""The lists that are merged by an element's key, as Kubernetes' API says; any other list is replaced."""

DIRECTIVE = "$patch"


class CannotRender(Exception):
    """A kustomization is wrong, or needs more of kustomize than is here."""


def render(folder: Path) -> list[Resource]:
    """The resources that `kustomize build` prints, in the order in which the kustomization names them."""
    kustomization = _kustomization(folder)
    resources: list[Resource] = []
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        resources += render(path) if path.is_dir() else [_resource(path)]
    identities = [_identity(resource) for resource in resources]
    if len(set(identities)) != len(identities):
        raise CannotRender(f"{folder}: a resource is there twice: {identities}")
    for patch in _patches(folder, kustomization):
        if _identity(patch) not in identities:
            raise CannotRender(f"{folder}: a patch has no target: {_identity(patch)}")
        index = identities.index(_identity(patch))
        resources[index] = _merge(resources[index], patch)
    return resources


def named_files(folder: Path) -> set[Path]:
    """The files that a kustomization names itself."""
    kustomization = _kustomization(folder)
    names = [*kustomization["resources"], *(patch["path"] for patch in kustomization.get("patches", []))]
    return {path for path in ((folder / name).resolve() for name in names) if not path.is_dir()}


def _kustomization(folder: Path) -> dict[str, Any]:
    file = folder / "kustomization.yaml"
    if not file.is_file():
        raise CannotRender(f"{file} is missing")
    kustomization = load(file)
    if {field: kustomization.get(field) for field in KUSTOMIZATION} != KUSTOMIZATION:
        raise CannotRender(f"{file} is no kustomization")
    if unknown := kustomization.keys() - KNOWN_FIELDS:
        raise CannotRender(f"{file}: {sorted(unknown)} is not known here")
    return dict(kustomization)


def _patches(folder: Path, kustomization: dict[str, Any]) -> Iterator[Resource]:
    for patch in kustomization.get("patches", []):
        if patch.keys() != {"path"}:
            raise CannotRender(f"{folder}: a patch may have a path only: {patch}")
        yield _resource(folder / patch["path"])


def _resource(file: Path) -> Resource:
    if not file.is_file():
        raise CannotRender(f"{file} is missing")
    return dict(load(file))


def _identity(resource: Resource) -> tuple[str, str, str]:
    return resource["apiVersion"], resource["kind"], resource["metadata"]["name"]


def _merge(target: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """A strategic merge: null deletes a field, maps are merged, and lists either merged by key or replaced."""
    merged = dict(target or {})
    for field, value in patch.items():
        if value is None:
            if field not in merged:
                raise CannotRender(f"there is no {field} to delete")
            del merged[field]
        elif isinstance(value, dict):
            if DIRECTIVE in value:
                raise CannotRender(f"{DIRECTIVE} is known in lists only")
            merged[field] = _merge(merged.get(field), value)
        elif isinstance(value, list) and field in MERGE_KEYS:
            merged[field] = _merge_list(merged.get(field, []), value, MERGE_KEYS[field])
        else:
            merged[field] = value
    return merged


def _merge_list(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    """Elements of the patch replace, change or delete those with their key; new ones come first, as in kustomize."""
    merged = {element[key]: element for element in target}
    added = {}
    for element in patch:
        name = element[key]
        if element.get(DIRECTIVE) == "delete":
            if name not in merged:
                raise CannotRender(f"there is no {key} {name} to delete")
            del merged[name]
        elif DIRECTIVE in element:
            raise CannotRender(f"{element} is not known here")
        elif name in merged:
            merged[name] = _merge(merged[name], element)
        else:
            added[name] = element
    return [*added.values(), *merged.values()]
