"""The page of events is what the code makes."""

import runpy

from tests.support.documents import ROOT


def test_the_page_of_events_is_what_the_table_makes() -> None:
    """Remake it with `make docs`."""
    assert (ROOT / "docs" / "events.md").read_text() == runpy.run_path(str(ROOT / "docs" / "events_page.py"))[
        "render"
    ]()
