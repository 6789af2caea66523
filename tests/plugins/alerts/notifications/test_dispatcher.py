"""Promises of the dispatcher, with small intervals of real time and real servers."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
import sys
import time

import anyio
import pytest
from tests.alertmanager import alertmanager_server
from tests.webhook_server import webhook_server

from trivet import CompositionError, Kernel, Launch, Secret, Status
from trivet_plugins.alerts.notifications.dispatcher import Dispatcher
from trivet_plugins.alerts.notifications.keeper import KeptStateError
from trivet_plugins.alerts.notifications.settings import (
    Flapping,
    Inhibition,
    NotificationSettings,
    Route,
    Timing,
)
from trivet_plugins.alerts.promql.labels import labels_of
from trivet_plugins.alerts.receivers.alertmanager import AlertmanagerConfig, alertmanager
from trivet_plugins.alerts.receivers.receiver import DeliveryError
from trivet_plugins.alerts.receivers.webhook import AlertWebhookConfig, alert_webhook
from trivet_plugins.alerts.rules.alert import Alert

QUICK = Timing(group_wait=0.05, group_interval=0.05, repeat_interval=60)


def settings(timing=QUICK, **more):
    return NotificationSettings(
        timing=timing, **{"min_backoff": 0.02, "max_backoff": 0.1, "failing_after": 0.0, **more}
    )


def alert(name, *, resolved=False, fired_at=None, **labels):
    now = round(time.time() * 1_000)
    return Alert(
        labels=labels_of({"alertname": name, **labels}),
        state="resolved" if resolved else "firing",
        value=1.0,
        active_at=1_000,
        fired_at=fired_at or 2_000,
        resolved_at=now if resolved else None,
    )


class Kept:
    """A receiver that keeps what it is told; it may be down, slow or broken."""

    def __init__(self):
        self.batches, self.failure, self.pause = [], None, 0.0

    async def deliver(self, batch):
        await anyio.sleep(self.pause)
        if self.failure is not None:
            raise self.failure
        self.batches.append(batch)

    def told(self):
        return [sorted((one.name, one.state) for one in batch.alerts) for batch in self.batches]


async def until(condition, seconds=10):
    with anyio.fail_after(seconds):
        while not (found := condition()):
            await anyio.sleep(0.01)
    return found


@contextlib.asynccontextmanager
async def dispatching(*receivers, store=None, kernel=None, **more):
    names = {f"r{place}": one for place, one in enumerate(receivers)}
    dispatcher = Dispatcher(names, settings(**more), store=store, kernel=kernel)
    async with dispatcher.running():
        yield dispatcher


async def test_alerts_of_a_group_are_told_together_once_and_resolved():
    kept = Kept()
    async with dispatching(kept) as dispatcher:
        for _ in range(3):
            dispatcher.put([alert("Down", host="a"), alert("Down", host="b"), alert("Full")])
            await anyio.sleep(0.1)
        await until(lambda: len(kept.batches) == 2)
        assert sorted(kept.told()) == [[("Down", "firing")] * 2, [("Full", "firing")]]
        dispatcher.put([alert("Down", host="a"), alert("Down", host="b", resolved=True), alert("Full")])
        await until(lambda: len(kept.batches) == 3)
        assert kept.told()[-1] == [("Down", "firing"), ("Down", "resolved")]


async def test_what_goes_on_is_told_again_after_the_interval():
    kept = Kept()
    timing = Timing(group_wait=0, group_interval=0.05, repeat_interval=0.2)
    async with dispatching(kept, timing=timing) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: len(kept.batches) == 3)
        assert len({batch.id for batch in kept.batches}) == 3


async def test_pending_alerts_are_told_to_nobody():
    kept = Kept()
    pending = Alert(labels=labels_of({"alertname": "Down"}), state="pending", value=1, active_at=1)
    async with dispatching(kept) as dispatcher:
        dispatcher.put([pending])
        await anyio.sleep(0.3)
    assert kept.batches == []


async def test_without_send_resolved_the_end_is_not_told():
    kept = Kept()
    async with dispatching(kept, send_resolved=False) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: kept.batches)
        dispatcher.put([alert("Down", resolved=True)])
        await anyio.sleep(0.3)
    assert kept.told() == [[("Down", "firing")]]


async def test_an_alert_that_is_not_put_any_more_counts_as_resolved():
    kept = Kept()
    async with dispatching(kept, lost_after=0.2) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: kept.told() == [[("Down", "firing")], [("Down", "resolved")]])


async def test_routes_choose_receivers_and_the_rest_goes_to_all():
    pager, log = Kept(), Kept()
    routes = (Route(matchers=('severity=~"critical|page"',), receivers=("r0",)),)
    async with dispatching(pager, log, routes=routes) as dispatcher:
        dispatcher.put([alert("Down", severity="critical"), alert("Slow", severity="warning")])
        await until(lambda: len(pager.batches) == 2 and log.batches)
        await anyio.sleep(0.2)
    assert sorted(pager.told()) == [[("Down", "firing")], [("Slow", "firing")]]
    assert log.told() == [[("Slow", "firing")]]


def test_a_route_to_nowhere_is_refused():
    with pytest.raises(CompositionError, match="names the receiver nobody"):
        Dispatcher({"r0": Kept()}, settings(routes=(Route(receivers=("nobody",)),)))


async def test_a_firing_source_mutes_its_targets_until_it_ends():
    kept = Kept()
    rule = Inhibition(source=('severity="critical"',), target=('severity="warning"',), equal=("host",))
    source, target = alert("Down", severity="critical", host="a"), alert("Slow", severity="warning", host="a")
    async with dispatching(kept, inhibitions=(rule,)) as dispatcher:
        dispatcher.put([source, target, alert("Slow", severity="warning", host="b")])
        await until(lambda: len(kept.batches) == 2)
        await anyio.sleep(0.2)
        assert sum(map(len, kept.told())) == 2
        dispatcher.put([alert("Down", severity="critical", host="a", resolved=True), target])
        await until(lambda: any(one.labels == target.labels for batch in kept.batches for one in batch.alerts))


async def test_a_silence_mutes_until_it_is_removed_and_outlives_a_restart(tmp_path):
    kept, store, now = Kept(), tmp_path / "state", time.time()
    async with dispatching(kept, store=store) as dispatcher:
        id_ = await dispatcher.silences.add(['host!="b"', 'alertname=~"D.*"'], start=now, end=now + 60, creator="me")
    async with dispatching(kept, store=store) as dispatcher:
        dispatcher.put([alert("Down", host="a"), alert("Down", host="b")])
        await until(lambda: kept.batches)
        await anyio.sleep(0.2)
        assert [dict(one.labels)["host"] for batch in kept.batches for one in batch.alerts] == ["b"]
        await dispatcher.silences.remove(id_, actor="me")
        with pytest.raises(LookupError):
            await dispatcher.silences.remove(id_, actor="me")
        await until(lambda: len(kept.batches) == 2)


@pytest.mark.parametrize("matchers", [[], ['a=""'], ['a=~".*"'], ["a"], ['a=~"("']])
async def test_a_silence_of_everything_or_nothing_is_refused(matchers):
    dispatcher = Dispatcher({})
    with pytest.raises(ValueError, match=r"silence|matcher|regular expression"):
        await dispatcher.silences.add(matchers, start=1, end=2, creator="me")


async def test_an_acknowledged_alert_is_not_repeated_but_its_end_is_told(tmp_path):
    kept, store = Kept(), tmp_path / "state"
    timing = Timing(group_wait=0, group_interval=0.05, repeat_interval=0.1)
    async with dispatching(kept, store=store, timing=timing) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: kept.batches)
        await dispatcher.acknowledge(alert("Down").fingerprint, "me", "on it")
        with pytest.raises(LookupError):
            await dispatcher.acknowledge("0" * 16, "me")
        await anyio.sleep(0.1)
    kept.batches.clear()
    async with dispatching(kept, store=store, timing=timing) as dispatcher:
        dispatcher.put([alert("Down")])
        await anyio.sleep(0.4)
        assert kept.batches == []
        dispatcher.put([alert("Down", resolved=True)])
        await until(lambda: kept.told() == [[("Down", "resolved")]])
        dispatcher.put([alert("Down", fired_at=9_000)])
        await until(lambda: [("Down", "firing")] in kept.told())


async def test_what_flaps_is_told_twice_once_that_it_does_and_once_that_it_rests():
    kept = Kept()
    timing = Timing(group_wait=0, group_interval=0.01, repeat_interval=60)
    async with dispatching(kept, timing=timing, flapping=Flapping(start=0.3, stop=0.1)) as dispatcher:
        for turn in range(30):
            dispatcher.put([alert("Down", resolved=turn % 2 == 1)])
            await anyio.sleep(0.03)
        while_flapping = len(kept.batches)
        marks = [dict(one.annotations).get("flapping") for batch in kept.batches for one in batch.alerts]
        assert marks.count("started") == 1
        assert while_flapping < 15
        for _ in range(25):
            dispatcher.put([alert("Down")])
            await anyio.sleep(0.02)
        await until(lambda: len(kept.batches) > while_flapping)
    last = kept.batches[while_flapping:]
    assert [dict(one.annotations).get("flapping") for batch in last for one in batch.alerts] == ["stopped"]


async def test_a_slow_or_broken_receiver_delays_no_other():
    slow, broken, quick = Kept(), Kept(), Kept()
    slow.pause, broken.failure = 60, ValueError("a bug")
    async with dispatching(slow, broken, quick) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: quick.batches)
        assert dispatcher.deliveries["r1"].error == "is broken: ValueError"


async def test_a_refused_notification_stops_none_behind_it():
    kept = Kept()
    kept.failure = DeliveryError("malformed", retry=False)
    async with dispatching(kept) as dispatcher:
        dispatcher.put([alert("Down")])
        await until(lambda: dispatcher.watch.counts.get(("r0", "refused")))
        kept.failure = None
        dispatcher.put([alert("Down"), alert("Full")])
        await until(lambda: kept.told() == [[("Full", "firing")]])


async def test_over_its_limit_a_queue_keeps_the_newest_state_of_every_alert():
    kept = Kept()
    kept.failure = DeliveryError("down")
    async with dispatching(kept, queue_limit=3) as dispatcher:
        for turn in range(12):
            dispatcher.put(
                [alert("Down", host=str(turn)), *([alert("Down", host="0", resolved=True)] if turn > 5 else [])]
            )
            await anyio.sleep(0.1)
        assert len(dispatcher.deliveries["r0"].outbox) <= 4
        kept.failure = None
        newest = {}
        await until(lambda: not len(dispatcher.deliveries["r0"].outbox))
        for batch in kept.batches:
            newest |= {dict(one.labels)["host"]: one.state for one in batch.alerts}
        assert newest == {"0": "resolved", **{str(turn): "firing" for turn in range(1, 12)}}


async def test_a_server_that_fails_in_every_way_gets_all_in_order_in_the_end():
    with webhook_server() as server:
        server.script += [503, (429, {"Retry-After": "1"}), "die", 500]
        receiver = alert_webhook(AlertWebhookConfig(urls=(Secret(server.url),), secret=Secret("key"), timeout=1))
        async with dispatching(receiver) as dispatcher:
            dispatcher.put([alert("Down")])
            await until(lambda: server.tries)
            dispatcher.put([alert("Down", resolved=True)])
            await until(lambda: len(server.posts) >= 2)
        assert server.alerts()[-2:] == [("Down", "firing"), ("Down", "resolved")]
        assert server.tries[2] - server.tries[1] >= 1, "Retry-After is honoured"


CHILD = """
import anyio, sys, pathlib
sys.path.insert(0, {root!r})
from tests.plugins.alerts.notifications.queue_child import main
anyio.run(main, sys.argv[1], pathlib.Path(sys.argv[2]))
"""


def test_kill_9_loses_no_notification(tmp_path, request):
    store = tmp_path / "state"
    with webhook_server() as server:
        server.script += [503] * 10_000
        code = CHILD.format(root=str(request.config.rootpath))
        with subprocess.Popen([sys.executable, "-c", code, server.url, str(store)], stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"queued\n"
            child.send_signal(signal.SIGKILL)
        assert server.posts == []
        server.script.clear()

        async def deliver():
            receiver = alert_webhook(AlertWebhookConfig(urls=(Secret(server.url),)))
            async with dispatching(receiver, store=store) as dispatcher:
                await until(lambda: not any(len(one.outbox) for one in dispatcher.deliveries.values()))

        anyio.run(deliver)
        found = {(a["labels"]["host"], a["status"]) for message in server.messages() for a in message["alerts"]}
        assert found == {(str(place), "firing") for place in range(20)} | {("3", "resolved")}
        assert len({message["notificationId"] for message in server.messages()}) == len(server.posts)


async def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path):
    store = tmp_path / "state"
    store.write_text('{"version": 1')
    with pytest.raises(KeptStateError, match="move it away"):
        async with Dispatcher({}, store=store).running():
            pass


async def test_a_real_alertmanager_groups_and_resolves_and_one_that_is_down_delays_it_not(program, tmp_path):
    binary = program("prometheus-alertmanager", package="prometheus-alertmanager")
    with webhook_server() as back, alertmanager_server(binary, tmp_path, back.url) as server:
        urls = (Secret("http://127.0.0.1:1"), Secret(server.url))
        async with dispatching(alertmanager(AlertmanagerConfig(urls=urls, resend=0.2))) as dispatcher:
            for _ in range(5):
                dispatcher.put([alert("Down", host="a"), alert("Down", host="b")])
                await anyio.sleep(0.1)
            await until(lambda: len(back.alerts()) == 2)
            assert server.groups() == [({"alertname": "Down"}, ["Down", "Down"])]
            dispatcher.put([alert("Down", host="a", resolved=True), alert("Down", host="b", resolved=True)])
            await until(lambda: back.alerts()[-2:] == [("Down", "resolved")] * 2)


class Log:
    """What an audit log is to the kernel."""

    def __init__(self, operations):
        self.record = operations.append

    def admit(self):
        pass


async def test_metrics_health_and_the_audit_log_tell_of_it():
    kernel = Kernel("n", discover="none", launch=Launch(environ={}))
    kept, operations = Kept(), []
    kernel.ciphers.recording.use(
        type("Log", (), {"admit": lambda self: None, "record": lambda self, one: operations.append(one)})()
    )
    async with kernel, dispatching(kept, kernel=kernel) as dispatcher:
        kept.failure = DeliveryError("is down")
        dispatcher.put([alert("Down")])
        await until(lambda: dispatcher.deliveries["r0"].failing_since)
        verdict = await dispatcher.watch.check()
        assert verdict.status is Status.WARN
        assert "r0" in verdict.output
        assert "is down" in verdict.output
        now = time.time()
        id_ = await dispatcher.silences.add(["alertname=Down"], start=now - 1, end=now + 60, creator="me")
        await dispatcher.acknowledge(alert("Down").fingerprint, "you")
        kernel.metrics.families()
        value = lambda name, *labels: kernel.metrics.get(name).labels(*labels).value  # noqa: E731
        assert value("trivet_alert_queue_length", "r0") == 1
        assert value("trivet_alerts_muted", "silenced") == value("trivet_alerts_muted", "acknowledged") == 1
        kept.failure = None
        await until(lambda: kept.batches)
        assert value("trivet_alert_notifications_total", "r0", "delivered") == 1
        assert math.isfinite(value("trivet_alert_notifications_total", "r0", "failed"))
        await dispatcher.silences.remove(id_, actor="me")
    told = [
        (one.operation, one.actor, one.outcome)
        for one in operations
        if "silence" in one.operation or "alert" in one.operation
    ]
    assert told == [("add_silence", "me", "ok"), ("acknowledge_alert", "you", "ok"), ("remove_silence", "me", "ok")]
