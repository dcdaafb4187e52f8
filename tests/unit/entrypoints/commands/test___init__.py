"""Types of arguments."""

import argparse

import pytest

from intercom_sink.entrypoints.commands import positive_int, queue_name


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


@pytest.mark.parametrize("text", ["q", "intercom.dead", "é" * 127, "x" * 255])
def test_name_of_a_queue_is_accepted(text: str) -> None:
    assert queue_name(text) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "and not 0"), ("x" * 256, "and not 256"), ("é" * 128, "and not 256"), ("\udce9", r"'\\udce9' is not valid")],
)
def test_what_no_queue_can_be_called_is_an_error_of_the_command_line(text: str, complaint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=complaint):
        queue_name(text)
