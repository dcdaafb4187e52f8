"""The adapters of docs/how-to/write-an-adapter.md work: its gateway passes the contract suite, by its own rig."""

import re
from typing import Any

from intercom_sink.domain.events import Stopping
from tests.support.documents import ROOT

PAGE = (ROOT / "docs" / "how-to" / "write-an-adapter.md").read_text()

names: dict[str, Any] = {}
exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), names)
TestGatewayOfThePage = names["TestCRMGateway"]


def test_the_monitor_of_the_page_counts_events() -> None:
    names["monitor"].record(Stopping())
    assert names["counter"].counts == {"Stopping": 1}
