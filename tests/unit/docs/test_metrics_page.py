"""The page of metrics is what the code makes."""

import runpy

from tests.support.documents import ROOT
from tests.support.metric_names import METRICS

PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text()


def test_the_page_of_metrics_is_what_the_registry_makes() -> None:
    """Remake it with `make docs`."""
    assert runpy.run_path(str(ROOT / "docs" / "metrics_page.py"))["render"]() == PAGE


def test_every_metric_of_the_registry_is_on_the_page() -> None:
    for name in METRICS:
        base = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        assert f"`{base.removeprefix('intercom_sink_')}`" in PAGE
