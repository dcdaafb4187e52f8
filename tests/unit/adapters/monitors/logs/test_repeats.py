"""Identical failures in a row are counted, and none goes without being counted or shown."""

import logging

import pytest

from intercom_sink.adapters.monitors.logs.repeats import MAX_GAP, MAX_IDENTICAL, RepeatLimiter


class Target(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Rig:
    """A limiter, what it shows, and the time of the next line."""

    def __init__(self, keep: frozenset[str] = frozenset()) -> None:
        self.target = Target()
        self.limiter = RepeatLimiter(keep)
        self.limiter.set_target(self.target)
        self.now = 1000.0

    def log(self, text: str, level: str = "ERROR", times: int = 1, **fields: object) -> None:
        for _ in range(times):
            made = logging.makeLogRecord(
                {"msg": text, "levelno": logging.getLevelName(level), "levelname": level, "name": "x"}
            )
            made.created = self.now
            vars(made).update(fields)
            self.limiter.handle(made)

    def shown(self) -> list[str]:
        """The lines since the last call; `given up +3`: three were counted."""
        records, self.target.records = self.target.records, []
        return [
            f"{vars(record)['of']} +{vars(record)['count']}" if record.msg == "repeated" else record.msg
            for record in records
        ]


@pytest.fixture
def rig() -> Rig:
    return Rig()


FIRST = ["given up"] * MAX_IDENTICAL


def test_lines_after_the_fifth_are_counted(rig: Rig) -> None:
    rig.log("given up", times=8)
    assert rig.shown() == FIRST
    rig.limiter.write_counts()
    assert rig.shown() == ["given up +3"]


def test_count_is_that_since_the_last_count(rig: Rig) -> None:
    rig.log("given up", times=8)
    rig.limiter.write_counts()
    rig.limiter.write_counts()
    rig.log("given up", times=2)
    rig.limiter.write_counts()
    assert rig.shown() == [*FIRST, "given up +3", "given up +2"]


def test_five_lines_need_no_count(rig: Rig) -> None:
    rig.log("given up", times=MAX_IDENTICAL)
    rig.log("failed", level="CRITICAL")
    rig.limiter.write_counts()
    assert rig.shown() == [*FIRST, "failed"]


@pytest.mark.parametrize("level", ["ERROR", "CRITICAL"])
def test_count_comes_before_another_line_of_that_level_or_above(rig: Rig, level: str) -> None:
    rig.log("given up", times=6)
    rig.log("other", level=level)
    rig.log("given up")
    assert rig.shown() == [*FIRST, "given up +1", "other", "given up"]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_line_of_a_lower_level_passes_and_ends_nothing(rig: Rig, level: str) -> None:
    rig.log("given up", times=6)
    rig.log("other", level=level)
    rig.log("given up")
    rig.limiter.write_counts()
    assert rig.shown() == [*FIRST, "other", "given up +2"]


def test_another_cause_is_another_kind_of_line(rig: Rig) -> None:
    for status in (422, 400):
        rig.log("given up", times=6, disposition="rejected", status=status)
    assert rig.shown() == [*FIRST, "given up +1", *FIRST]
    rig.log("given up", times=6, error_codes=["a"])
    rig.log("given up", times=1, error_codes=["b"])
    assert rig.shown() == ["given up +1", *FIRST, "given up +1", "given up"]


@pytest.mark.parametrize("field", ["broker", "queue"])
def test_each_broker_and_each_queue_is_a_cause_of_its_own(rig: Rig, field: str) -> None:
    """The nodes of a cluster are tried in turn: that one of them refuses must not hide that another does."""
    for name in ("one", "two"):
        rig.log("RabbitMQ unavailable", times=6, reason="refused", **{field: name})
    assert [vars(record).get(field) for record in rig.target.records] == ["one"] * 6 + ["two"] * 5


def test_fields_that_are_no_cause_do_not_matter(rig: Rig) -> None:
    for number in range(8):
        rig.log("given up", path=f"/contacts/{number}", message_id=str(number))
    assert rig.shown() == FIRST


def test_retries_and_given_up_messages_that_alternate_are_both_limited(rig: Rig) -> None:
    for _ in range(20):
        rig.log("retry scheduled", level="WARNING")
        rig.log("given up")
    rig.limiter.write_counts()
    shown = rig.shown()
    assert shown.count("given up") == MAX_IDENTICAL
    assert shown.count("retry scheduled") == 2 * MAX_IDENTICAL, "the first five end the run of retries each time"
    assert shown[-2:] == ["given up +15", "retry scheduled +10"]


def test_lines_of_info_and_below_are_never_counted(rig: Rig) -> None:
    rig.log("dead-lettered", level="INFO", times=8)
    assert rig.shown() == ["dead-lettered"] * 8


def test_lines_far_apart_are_no_row(rig: Rig) -> None:
    """`hold continues` comes every five minutes: each is news."""
    for _ in range(8):
        rig.log("hold continues", level="WARNING")
        rig.now += MAX_GAP + 1
    assert rig.shown() == ["hold continues"] * 8


def test_row_that_pauses_is_counted_before_the_next_one_begins(rig: Rig) -> None:
    rig.log("given up", times=7)
    rig.now += MAX_GAP + 1
    rig.log("given up")
    assert rig.shown() == [*FIRST, "given up +2", "given up"]


def test_texts_to_keep_are_all_shown() -> None:
    rig = Rig(frozenset({"given up"}))
    rig.log("given up", times=8)
    assert rig.shown() == ["given up"] * 8


def test_tracebacks_are_all_shown(rig: Rig) -> None:
    error = RuntimeError("a bug")
    rig.log("crash", times=8, exc_info=(type(error), error, None))
    assert rig.shown() == ["crash"] * 8


def test_count_has_the_level_logger_and_cause_of_its_lines(rig: Rig) -> None:
    rig.log("retry scheduled", level="WARNING", times=6, disposition="server error", status=503, delay=0.7)
    rig.limiter.write_counts()
    repeated = rig.target.records[-1]
    assert (repeated.levelname, repeated.levelno, repeated.name) == ("WARNING", logging.WARNING, "x")
    assert (vars(repeated)["disposition"], vars(repeated)["status"]) == ("server error", 503)
    assert not {"delay", "reason", "cause"} & vars(repeated).keys()


def test_without_a_target_nothing_is_written() -> None:
    logger = logging.Logger("x")
    logger.addHandler(RepeatLimiter())
    logger.error("given up")


def test_line_whose_arguments_do_not_fit_raises_nothing(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.log("a library's %d", level="WARNING", args=("text",))
    assert "Logging error" in capsys.readouterr().err
    rig.log("given up", times=6)
    rig.limiter.write_counts()
    assert rig.shown() == [*FIRST, "given up +1"]


class Fading:
    """An argument that has no text any more once it is `gone`."""

    gone = False

    def __str__(self) -> str:
        if self.gone:
            raise RuntimeError("it is gone")
        return "here"


def test_count_that_cannot_be_written_raises_nothing(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    argument = Fading()
    rig.log("it is %s", level="WARNING", times=6, args=(argument,))
    argument.gone = True
    rig.log("given up")
    rig.limiter.write_counts()
    assert "Logging error" in capsys.readouterr().err
    assert rig.shown()[-1] == "given up"
