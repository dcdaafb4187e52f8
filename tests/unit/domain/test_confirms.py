from intercom_sink import PublishResult, PublishStatus
from intercom_sink.domain.confirms import MAX_SHOWN, describe_unconfirmed


def test_unconfirmed_messages_are_listed_up_to_a_limit_and_then_counted() -> None:
    nacked = [PublishResult(index, f"id-{index}", PublishStatus.NACKED) for index in range(MAX_SHOWN + 2)]
    confirmed = PublishResult(99, "fine", PublishStatus.CONFIRMED)
    assert describe_unconfirmed([confirmed, *nacked[3:5]]) == "not confirmed: 3 (id-3, nacked), 4 (id-4, nacked)"
    assert describe_unconfirmed(nacked).endswith("4 (id-4, nacked) and 2 more")


def test_id_can_not_forge_a_line_of_a_log() -> None:
    forged = PublishResult(0, "a\nERROR forged", PublishStatus.UNKNOWN)
    assert describe_unconfirmed([forged]) == r"not confirmed: 0 (a\nERROR forged, unknown)"
