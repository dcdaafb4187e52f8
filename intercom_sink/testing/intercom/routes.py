"""Behaviours for single paths."""

import re
from collections.abc import Sequence

from intercom_sink.testing.intercom.exchange import Behaviour


class Routes:
    """Which behaviour a request gets by its method and path; not thread-safe."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], list[Behaviour]] = {}

    def add(self, method: str, path: str, behaviours: Sequence[Behaviour]) -> None:
        """Has requests like these get the behaviours in turn, and the last one for ever; none: forgets the route.

        A later route is looked at before an earlier one, and replaces one of the same method and path.
        """
        self._routes.pop((method, path), None)
        if behaviours:
            self._routes = {(method, path): list(behaviours)} | self._routes

    def next(self, method: str, path: str) -> Behaviour | None:
        """The behaviour for the next request of this method and path, whose query is ignored; None: no route fits."""
        bare = path.partition("?")[0]
        for (wanted, pattern), behaviours in self._routes.items():
            if wanted in ("*", method) and re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*"), bare):
                return behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        return None
