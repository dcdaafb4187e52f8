from collections.abc import Callable

def packb(o: object) -> bytes: ...
def unpackb(
    packed: bytes,
    *,
    strict_map_key: bool = ...,
    object_pairs_hook: Callable[[list[tuple[object, object]]], object] = ...,
) -> object: ...
