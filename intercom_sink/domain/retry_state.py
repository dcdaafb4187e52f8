"""What is remembered between the attempts at one message."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RetryState:
    """What is remembered of the attempts at one message, including the one in progress.

    Args:
        method: the request's method: a 404 to DELETE is never dead-lettered.
        attempts: how many there were.
        first_attempt_at: when the first one began, in Unix seconds.
        last_attempt_at: when the last one began, in Unix seconds.
        previous_was_server_error: the attempt before ended with a 5xx, which is retried once.
        possible_duplicate: Intercom may have had the message before the last request: from an earlier attempt or
            delivery, or because the gateway has sent the request twice.
        outage_failures: consecutive failures to get a valid response, at any message, when the last one began; attempts
            in flight together count once, except with `PolicyOptions.hold`.
        message_failures: how many attempts at this message had no valid response although `GET /me` succeeded.
    """

    method: str
    attempts: int = 0
    first_attempt_at: float | None = None
    last_attempt_at: float | None = None
    previous_was_server_error: bool = False
    possible_duplicate: bool = False
    outage_failures: int = 0
    message_failures: int = 0

    def begin_attempt(self, unix_time: float, outage_failures: int) -> "RetryState":
        """The state of an attempt that begins now."""
        return replace(
            self,
            attempts=self.attempts + 1,
            first_attempt_at=unix_time if self.first_attempt_at is None else self.first_attempt_at,
            last_attempt_at=unix_time,
            outage_failures=outage_failures,
        )

    def mark_possible_duplicate(self) -> "RetryState":
        """The state once Intercom may have had the message before."""
        return replace(self, possible_duplicate=True)
