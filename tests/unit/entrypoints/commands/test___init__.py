"""Types of arguments."""

import argparse

import pytest

from intercom_sink.entrypoints.commands import positive_int


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("007", 7), ("999999999999999999", 10**18 - 1)])
def test_whole_number_from_1_is_accepted(text: str, value: int) -> None:
    assert positive_int(text) == value


@pytest.mark.parametrize("text", ["-1", "0", "", "1.5", "x", "1_000", " 1", "١", "9" * 30, "1e3", "+1"])
def test_anything_else_is_an_error_of_the_command_line(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a whole number"):
        positive_int(text)


def test_negative_limit_is_reported_as_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="x")
    parser.add_argument("--limit", type=positive_int)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--limit", "-1"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("argument --limit: '-1' is not a whole number from 1\n")
