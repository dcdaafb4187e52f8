"""The table of variables that `--help` shows, beside the settings that validate them."""

from intercom_sink.entrypoints.settings import Settings
from intercom_sink.entrypoints.variables import VARIABLES, describe_variables


def test_table_has_every_variable_with_its_default_and_no_other() -> None:
    required = {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_API_TOKEN": "t", "CJW_INTERCOM_QUEUE_NAME": "q"}
    shown = Settings.from_environment(required).shown()
    defaults = {name: None if name in required else "" if text == "unset" else text for name, text in shown.items()}
    assert {name: variable.default for name, variable in VARIABLES.items()} == defaults


def test_each_has_a_line_that_fits_a_terminal() -> None:
    lines = describe_variables().splitlines()
    assert [line.split()[0] for line in lines] == list(VARIABLES)
    assert max(map(len, lines)) <= 120
    assert lines[0].endswith("(required)")
