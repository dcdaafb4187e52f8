"""What goes wrong at three in the morning, and what metrics, health, alerts and log lines say of it.

docs/how-to/monitor.md tells operators the same. Each scene ends when metrics, health and alerts show no fault any more.
"""

import signal

from intercom_sink.testing.intercom import Exchange, after, error, rate_limited, reply, reset
from testbed.waiting import wait_until
from tests.support.stage import MAX_SIGN, Stage


def test_intercom_goes_down(stage: Stage) -> None:
    holds, ended = stage.count_of("hold began"), stage.count_of("hold ended")
    stage.intercom.default = reset
    stage.publish(3)
    stage.wait_for_line("hold began", holds + 1)
    stage.wait_for_state("holding")
    assert stage.readiness()["cause"] == "Intercom fails"
    stage.take_picture("holding")
    stage.wait_for_metric('intercom_sink_holding{cause="Intercom fails"}', 1)
    stage.wait_for_alert("IntercomSinkHolding")
    stage.intercom.default = reply(200)
    wait_until(lambda: stage.count_of("hold ended") > ended, "the end of the hold", 90, stage.explain)


def test_intercom_slows_down(stage: Stage) -> None:
    """Its response times show it; nothing else is wrong."""
    stage.intercom.default = after(3, reply(200))
    stage.publish(2)
    stage.wait_for_metric("intercom_sink_in_flight", 1)
    stage.wait_for_state("streaming")
    wait_until(lambda: stage.readiness()["oldest_unsettled_seconds"] > 1, "an old message", MAX_SIGN, stage.explain)
    durations = "intercom_sink_attempt_duration_seconds"
    slow = f"sum({durations}_count) - sum({durations}_bucket{{le='2.5'}})"
    wait_until(lambda: (stage.prometheus.value(slow) or 0) >= 1, "a slow attempt", MAX_SIGN, stage.explain)
    stage.take_picture("slow")
    assert stage.prometheus.firing() == set()


def test_intercom_refuses_the_token(stage: Stage) -> None:
    """Nothing is given up."""
    holds = stage.count_of("hold began")
    stage.intercom.default = error(401, "token_revoked")
    stage.publish(3)
    assert stage.wait_for_line("hold began", holds + 1)["level"] == "ERROR"
    stage.wait_for_state("holding")
    assert stage.readiness()["cause"] == "the token is refused"
    stage.take_picture("token-refused")
    stage.wait_for_metric('intercom_sink_holding{cause="the token is refused"}', 1)
    stage.wait_for_alert("IntercomSinkHolding")
    assert stage.queue.depth == 3


def test_intercom_limits_the_rate(stage: Stage) -> None:
    pauses = stage.count_of("paused")
    stage.intercom.default = rate_limited(3)
    stage.publish(2)
    stage.wait_for_line("paused", pauses + 1)
    stage.wait_for_state("paused")
    assert stage.readiness()["cause"] == "rate limited"
    assert stage.readiness()["until"] is not None
    stage.take_picture("rate-limited")
    stage.wait_for_metric('intercom_sink_paused{reason="rate limited"}', 1)
    stage.wait_for_alert("IntercomSinkRateWindowExhausted")


def test_intercom_answers_5xx(stage: Stage) -> None:
    """To these messages alone: `GET /me` succeeds, so they are given up and kept as dead letters."""
    given_up = stage.count_of("given up")

    def fail_messages(exchange: Exchange) -> None:
        (reply(200) if exchange.request.path == "/me" else error(500, "server_error"))(exchange)

    stage.intercom.default = fail_messages
    stage.publish(6)
    stage.wait_for_line("given up", given_up + 1)
    stage.wait_for_alert("IntercomSinkDeadLetters")
    stage.wait_for_alert("IntercomSinkGivingUp")
    kept = 'intercom_sink_dead_letters_total{reason="server-error"}'
    wait_until(lambda: (stage.prometheus.value(f"sum({kept})") or 0) >= 6, "six dead letters", 60, stage.explain)
    assert len(stage.dead_letters.take_bodies()) == 6
    stage.take_picture("given-up")
    stage.take_picture("given-up-dark", dark=True)
    stage.take_picture("given-up-phone", width=500, height=2600)


def test_rabbitmq_restarts(stage: Stage) -> None:
    lost, consuming = stage.count_of("RabbitMQ unavailable"), stage.count_of("consuming")
    stage.node.stop()
    stage.wait_for_line("RabbitMQ unavailable", lost + 1)
    stage.wait_for_state("reconnecting")
    stage.take_picture("reconnecting")
    stage.wait_for_metric("intercom_sink_connected", 0)
    stage.wait_for_alert("IntercomSinkReconnecting")
    stage.node.start()
    stage.wait_for_line("consuming", consuming + 1)


def test_consumer_is_cancelled(stage: Stage) -> None:
    """Its queue was deleted; the sink declares it again."""
    reconnects, consuming = stage.prometheus.value("intercom_sink_reconnects_total") or 0, stage.count_of("consuming")
    stage.queue.delete()
    stage.wait_for_line("consuming", consuming + 1)
    stage.wait_for_metric("intercom_sink_reconnects_total", reconnects + 1)
    stage.publish(1)


def test_process_stalls(stage: Stage) -> None:
    """Nothing can be asked of it: what is missing tells."""
    stage.sink.send(signal.SIGSTOP)
    try:
        stage.publish(20)
        stage.wait_for_metric('up{job="intercom-sink"}', 0)
        stage.wait_for_alert("IntercomSinkDown")
    finally:
        stage.sink.send(signal.SIGCONT)
