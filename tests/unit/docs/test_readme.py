"""The README's tables agree with the code."""

import re

from intercom_sink.adapters.monitors.logs.lines import LINES
from intercom_sink.domain.events import MessageDelivered
from intercom_sink.domain.policy import Disposition, Severity
from intercom_sink.entrypoints.cli import BAD_INPUT, FAILED
from intercom_sink.entrypoints.settings import Settings
from tests.support.documents import README, first_cells, section


def test_the_configuration_table_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", section("Configuration"), re.MULTILINE))
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        expected = "required" if field.is_required() else field.default
        shown = rows[name].strip("`")
        if expected is None:
            assert shown == "unset", name
        elif isinstance(expected, bool):
            assert shown == ("on" if expected else "off"), name
        elif isinstance(expected, int | float):
            assert float(shown) == expected, name
        else:
            assert shown == expected, name


def test_every_disposition_stands_in_the_way_of_a_message() -> None:
    text = section("The way of a message")
    assert [disposition for disposition in Disposition if f"`{disposition}`" not in text] == []


def test_troubleshooting_has_a_row_for_every_line_an_operator_should_read() -> None:
    """Every event whose line is a warning or worse, or as severe as what happened to a message."""
    rows = "\n".join(first_cells(section("Troubleshooting")))
    texts = [
        line.text
        for event, line in LINES.items()
        if event is not MessageDelivered and (line.level is None or line.level >= Severity.WARNING)
    ]
    assert len(texts) > 5
    assert [text for text in texts if f"`{text}`" not in rows] == []


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    codes = [int(cell) for cell in first_cells(section("Commands")) if cell.isdigit()]
    assert codes == [0, FAILED, BAD_INPUT]


def test_the_first_screen_leads_to_the_troubleshooting_table() -> None:
    assert "(#troubleshooting)" in "\n".join(README.read_text().splitlines()[:30])
