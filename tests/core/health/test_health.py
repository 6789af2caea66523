from __future__ import annotations

import re
import threading
import time
from contextlib import asynccontextmanager

import anyio
import pytest

from trivet.errors import HealthError
from trivet.events import HealthChanged
from trivet.health.check import CheckPlan, Status, Verdict
from trivet.health.history import MAX_CHANGES, History
from trivet.health.registry import Health

FAST = {"timeout": 0.2, "interval": 0.01}


@pytest.fixture
def events():
    return []


@pytest.fixture
def health(events):
    return Health(emit=events.append)


@asynccontextmanager
async def running(health):
    async with anyio.create_task_group() as tasks:
        await tasks.start(health.run)
        yield health
        tasks.cancel_scope.cancel()


async def until(condition):
    """Wait until a condition holds, 10 s at most."""
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.005)


def status(health, group="ready"):
    return health.report(group).status


async def test_a_check_runs_in_the_background_again_and_again(health):
    calls = []

    @health.check("database", **FAST)
    async def database_answers():
        calls.append(1)

    async with running(health):
        await until(lambda: len(calls) >= 3)
        report = health.report("ready")
        assert report.status is Status.PASS
        assert report.results[0].name == "database"
        assert 0 <= report.results[0].age < 5
    ran = len(calls)
    await anyio.sleep(0.05)
    assert len(calls) == ran


def test_before_the_first_run_nothing_is_ready_but_all_is_alive(health):
    """What has not been checked gets no traffic; what has not failed is not killed."""
    health.check("a", groups={"ready", "live", "startup", "mine"})(lambda: None)
    assert {group: str(status(health, group)) for group in ("ready", "startup", "mine", "live")} == {
        "ready": "fail",
        "startup": "fail",
        "mine": "fail",
        "live": "pass",
    }
    assert status(health, None) is Status.FAIL
    assert health.results["a"].pending
    assert health.results["a"].output == "has not run yet"


def test_a_group_without_checks_passes(health):
    assert status(health) is Status.PASS
    assert health.groups == {"live", "ready", "startup"}


async def test_the_worst_result_is_the_group_s(health):
    verdicts = {"good": None, "so_so": Verdict(Status.WARN, "hm"), "bad": Verdict(Status.FAIL, "no")}
    for name, verdict in verdicts.items():

        async def answer(verdict=verdict):
            return verdict

        health.check(name, groups={"ready", name})(answer)
    report = await health.refresh()
    assert report.status is Status.FAIL
    assert [(result.name, str(result.status)) for result in report.results] == [
        ("bad", "fail"),
        ("good", "pass"),
        ("so_so", "warn"),
    ]
    assert {name: str(status(health, name)) for name in verdicts} == {"good": "pass", "so_so": "warn", "bad": "fail"}
    assert not report.ok
    assert health.report("so_so").ok
    assert (report.http_status, health.report("so_so").http_status) == (503, 200)


async def test_a_check_that_is_not_critical_only_warns(health):
    @health.check("cache", critical=False)
    async def cache():
        raise ConnectionError("refused")

    assert status(health) is Status.WARN
    await health.refresh()
    assert status(health) is Status.WARN
    assert health.results["cache"].status is Status.FAIL


async def test_a_crash_is_a_failure_with_its_text_and_spoils_nothing(health):
    @health.check("broken", **FAST)
    async def broken():
        raise ConnectionError("no route to postgres://app:hunter2@db/orders\nsecond line")

    @health.check("fine", **FAST)
    async def fine():
        pass

    async with running(health):
        await until(lambda: health.results["broken"].failures >= 2)
        assert health.results["broken"].output == (
            "ConnectionError: no route to postgres://app:***@db/orders second line"
        )
        await until(lambda: health.results["fine"].status is Status.PASS)


async def test_an_exception_group_of_one_speaks_for_its_member(health):
    @health.check("grouped")
    async def grouped():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 0)
            raise OSError("x" * 1000)

    await health.refresh()
    output = health.results["grouped"].output
    assert output.startswith("OSError: xxx")
    assert len(output) == 300


@pytest.mark.parametrize("answer", [True, False, "ok", 0])
async def test_an_answer_that_is_no_verdict_is_a_failure(health, answer):
    """`return False` must not pass for "healthy"."""

    @health.check("odd")
    async def odd():
        return answer

    await health.refresh()
    assert status(health) is Status.FAIL
    assert "return None or a Verdict" in health.results["odd"].output


async def test_a_plain_function_that_gives_a_coroutine_is_told_so(health):
    async def later():
        return None

    health.check("odd")(lambda: later())  # noqa: PLW0108 - a plain function is the point
    await health.refresh()
    assert "returned coroutine" in health.results["odd"].output


async def test_a_check_that_hangs_fails_at_its_timeout_and_keeps_nobody_waiting(health):
    @health.check("hung", timeout=0.05, interval=0.01)
    async def hung():
        await anyio.sleep_forever()

    @health.check("quick", **FAST)
    async def quick():
        pass

    async with running(health):
        assert status(health) is Status.FAIL
        await until(lambda: health.results["hung"].failures >= 2 and health.results["quick"].status is not None)
        assert health.results["hung"].output == "no answer within 0.05 s"
        assert health.results["quick"].status is Status.PASS


async def test_checks_run_side_by_side(health):
    """Two checks that wait for each other both pass: neither is run after the other."""
    here, there = anyio.Event(), anyio.Event()

    @health.check("one")
    async def one():
        here.set()
        await there.wait()

    @health.check("two")
    async def two():
        there.set()
        await here.wait()

    report = await health.refresh()
    assert report.status is Status.PASS


async def test_the_status_falls_and_rises_only_after_as_many_runs_as_asked(health, events):
    answers = iter("PFPFFPFPPFFF")
    seen = []

    @health.check("flaky", fail_after=2, recover_after=2)
    async def flaky():
        if next(answers) == "F":
            raise OSError("down")

    for _ in range(12):
        await health.refresh()
        seen.append(str(health.results["flaky"].status)[0])
    assert "".join(seen) == "ppppffffppff"
    assert [(event.before, event.after) for event in events] == [("pass", "fail"), ("fail", "pass"), ("pass", "fail")]


async def test_a_first_failure_below_the_threshold_leaves_the_check_pending(health):
    @health.check("slow_start", fail_after=2)
    async def slow_start():
        raise OSError

    await health.refresh()
    assert health.results["slow_start"].pending
    await health.refresh()
    assert health.results["slow_start"].status is Status.FAIL


async def test_changes_are_events(health, events):
    answers = [None, Verdict(Status.WARN, "low"), Verdict(Status.FAIL, "gone"), Verdict(Status.FAIL, "gone"), None]

    @health.check("disk")
    async def disk():
        return answers.pop(0)

    @health.check("bad_from_the_start")
    async def bad():
        raise OSError("x")

    while answers:
        await health.refresh()
    changes = [(event.check, event.before, event.after, event.output) for event in events]
    assert all(isinstance(event, HealthChanged) for event in events)
    assert [change for change in changes if change[0] == "disk"] == [
        ("disk", "pass", "warn", "low"),
        ("disk", "warn", "fail", "gone"),
        ("disk", "fail", "pass", ""),
    ]
    assert [change[1:] for change in changes if change[0] != "disk"] == [("pending", "fail", "OSError: x")]


async def test_asking_for_a_refresh_many_times_runs_the_check_once(health):
    """Single flight: a thousand probes cannot hammer a database."""
    calls, release = [], anyio.Event()

    @health.check("database", timeout=5, interval=1000)
    async def database():
        calls.append(1)
        await release.wait()

    async def ask():
        assert (await health.refresh("ready")).status is Status.PASS

    async with running(health), anyio.create_task_group() as tasks:
        await until(lambda: calls)
        for _ in range(10):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        release.set()
    assert len(calls) == 1


async def test_a_caller_that_gives_up_does_not_cancel_the_check(health):
    started, release, ended = anyio.Event(), anyio.Event(), []

    @health.check("database", timeout=5, interval=1000, initial_delay=1000)
    async def database():
        started.set()
        await release.wait()
        ended.append(1)

    async with running(health):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(health.refresh)
            await started.wait()
            tasks.cancel_scope.cancel()
        release.set()
        await until(lambda: ended)
        await until(lambda: status(health) is Status.PASS)


async def test_a_refresh_outwaits_no_check_that_resists_cancellation(health, monkeypatch):
    monkeypatch.setattr("trivet.health.registry.GRACE", 0.05)
    release = anyio.Event()

    @health.check("stubborn", timeout=0.05, initial_delay=1000)
    async def stubborn():
        with anyio.CancelScope(shield=True):
            await release.wait()

    async with running(health):
        with anyio.fail_after(5):
            report = await health.refresh()
        assert report.status is Status.FAIL
        release.set()


async def test_refreshing_a_group_leaves_the_others_alone(health):
    calls = []
    for name in ("live", "ready"):

        async def called(name=name):
            calls.append(name)

        health.check(f"is_{name}", groups={name})(called)
    await health.refresh("live")
    assert calls == ["live"]


async def test_a_result_that_is_too_old_counts_as_a_failure(health, monkeypatch):
    """Whatever keeps the check from running, the loop or the check itself: what we know is no longer true."""

    @health.check("database", interval=10, timeout=2)
    async def database():
        pass

    await health.refresh()
    assert status(health) is Status.PASS
    now = time.monotonic()
    monkeypatch.setattr("trivet.health.runner.time.monotonic", lambda: now + 31)
    assert status(health) is Status.PASS
    monkeypatch.setattr("trivet.health.runner.time.monotonic", lambda: now + 33)
    assert status(health) is Status.FAIL
    (result,) = health.report().results
    assert result.stale
    assert result.output == "no result for 33 s, due every 10 s"


async def test_a_check_added_while_running_starts_at_once_and_stops_when_removed(health):
    calls = []

    class Check:
        plan = CheckPlan(groups={"live"}, interval=0.01)

        async def check(self):
            calls.append(1)

    async with running(health):
        remove = health.add("late", Check())
        await until(lambda: len(calls) >= 2)
        remove()
        remove()
        ran = len(calls)
        await anyio.sleep(0.05)
        assert len(calls) == ran
        assert "late" not in health.results
        health.add("late", Check())()
        await anyio.sleep(0.05)
        assert len(calls) == ran


async def test_the_first_run_waits_for_its_delay(health):
    calls = []

    @health.check("later", initial_delay=1000)
    async def later():
        calls.append(1)

    async with running(health):
        await anyio.sleep(0.05)
        assert calls == []
        await health.refresh()
        assert calls == [1]


async def test_a_second_run_of_the_kernel_starts_from_nothing(health):
    @health.check("database", interval=1000)
    async def database():
        pass

    for _ in range(2):
        async with running(health):
            await until(lambda: status(health) is Status.PASS)
        assert not health.results["database"].pending
    async with anyio.create_task_group() as tasks:
        await tasks.start(health.run)
        assert health.results["database"].pending
        with pytest.raises(HealthError, match="run already"):
            await health.run()
        tasks.cancel_scope.cancel()


async def test_the_kernel_closes_readiness_whatever_the_checks_say(health):
    health.check("fine", groups={"live", "ready", "startup"})(lambda: None)
    await health.refresh()
    health.ready_gate("stopping")
    assert [str(status(health, group)) for group in ("ready", "live", "startup", None)] == [
        "fail",
        "pass",
        "pass",
        "fail",
    ]
    assert health.report("ready").gate == "stopping"
    health.ready_gate(None)
    assert status(health) is Status.PASS


def test_a_name_is_taken_once_and_is_lower_snake(health):
    health.check("database")(lambda: None)
    with pytest.raises(HealthError, match="database is there already"):
        health.check("database")(lambda: None)
    for name in ("", "Data-Base", "1st", "a:b"):
        with pytest.raises(HealthError, match="lower_snake"):
            health.check(name)(lambda: None)


def test_a_check_without_a_plan_is_refused(health):
    with pytest.raises(HealthError, match="no CheckPlan"):
        health.add("x", object())


def test_a_plan_with_impossible_numbers_is_refused(health):
    for wrong in ({"timeout": 0}, {"interval": 0}, {"initial_delay": -1}, {"fail_after": 0}, {"recover_after": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            health.check("x", **wrong)
    with pytest.raises(HealthError, match="got the string 'ready'"):
        health.check("x", groups="ready")


async def test_checks_are_changed_in_the_event_loop_s_thread_only(health):
    """Adding one from elsewhere would touch the loop's task group unsafely; reading a report is safe anywhere."""
    health.check("x")(lambda: None)
    async with running(health):
        with pytest.raises(HealthError, match="event loop's thread"):
            await anyio.to_thread.run_sync(lambda: health.check("y")(lambda: None))
        report = await anyio.to_thread.run_sync(health.report)
        assert report.results[0].name == "x"


async def test_a_plain_function_runs_in_a_thread_and_does_not_block_the_loop(health):
    inside, leave = threading.Event(), threading.Event()
    threads = []

    @health.check("plain", timeout=10)
    def plain():
        threads.append(threading.current_thread())
        inside.set()
        assert leave.wait(10)
        return Verdict(Status.WARN, "from a thread")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(health.refresh)
        await until(inside.is_set)
        leave.set()
    assert health.results["plain"].output == "from a thread"
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


async def test_a_plain_function_that_raises_fails(health):
    @health.check("plain")
    def plain():
        raise OSError("x")

    await health.refresh()
    assert health.results["plain"].output == "OSError: x"


async def test_a_plain_function_that_hangs_is_reported_and_never_doubled(health):
    calls, leave = [], threading.Event()

    @health.check("stuck", timeout=0.05, interval=0.01)
    def stuck():
        calls.append(1)
        leave.wait(20)

    async with running(health):
        await until(lambda: health.results["stuck"].failures >= 3)
        assert len(calls) == 1
        assert "still runs; it is not called again until it ends" in health.results["stuck"].output
        leave.set()
        await until(lambda: status(health) is Status.PASS)
    assert len(calls) >= 2


async def test_a_stuck_thread_outlives_its_event_loop_in_silence(health):
    """When the loop is gone, nobody waits for the answer: no exception in the thread."""
    leave, problems, threads = threading.Event(), [], []
    hook, threading.excepthook = threading.excepthook, problems.append
    try:

        def other_loop():
            own = Health()

            @own.check("stuck", timeout=0.05)
            def stuck():
                threads.append(threading.current_thread())
                leave.wait(20)

            anyio.run(own.refresh)

        await anyio.to_thread.run_sync(other_loop)
        (thread,) = threads
        leave.set()
        await anyio.to_thread.run_sync(thread.join, 10)
        assert not thread.is_alive()
    finally:
        threading.excepthook = hook
    assert problems == []


# -- what depends on what --------------------------------------------------------------------------------------------------


def failing(*names):
    """Return a check that fails while its name is among those."""

    def check(name):
        async def run():
            if name in names:
                raise ConnectionError(f"{name} is down")

        return run

    return check


async def test_a_failure_names_what_is_to_blame(health, events):
    """Of a chain of failures the lowest is the cause; what does not fail is to blame for nothing."""
    down = failing("database", "orders", "shop")
    health.check("database")(down("database"))
    health.check("cache")(down("cache"))
    health.check("orders", depends_on={"database", "cache"})(down("orders"))
    health.check("shop", depends_on={"orders"})(down("shop"))
    for _ in range(2):
        report = await health.refresh("ready")
    causes = {result.name: result.causes for result in report.results}
    assert causes == {"cache": (), "database": (), "orders": ("database",), "shop": ("database",)}
    assert report.root_causes == ("database",)


async def test_the_event_names_the_cause_as_well(health, events):
    broken = []
    health.check("database")(lambda: (_ for _ in ()).throw(OSError("down")) if broken else None)
    health.check("orders", depends_on={"database"})(lambda: (_ for _ in ()).throw(OSError("down")) if broken else None)
    await health.refresh()
    broken.append(1)
    await health._runners["database"].once()
    await health._runners["orders"].once()
    assert [(event.check, event.causes) for event in events] == [("database", ()), ("orders", ("database",))]


async def test_a_failure_with_sound_dependencies_is_its_own(health):
    health.check("database")(failing()("database"))
    health.check("orders", depends_on={"database", "not_there"})(failing("orders")("orders"))
    report = await health.refresh()
    assert report.root_causes == ("orders",)
    assert health.results["orders"].causes == ()


def test_a_circle_of_dependencies_is_refused(health):
    """It could name no cause."""
    health.check("a", depends_on={"b"})(lambda: None)
    health.check("b", depends_on={"c"})(lambda: None)
    with pytest.raises(HealthError, match="in a circle: c -> a -> b -> c"):
        health.check("c", depends_on={"a"})(lambda: None)
    with pytest.raises(HealthError, match="self -> self"):
        health.check("self", depends_on={"self"})(lambda: None)


@pytest.mark.parametrize("field", ["groups", "tags", "depends_on"])
def test_one_name_is_no_set_of_names(field):
    """ "database" would be eight names of one letter."""
    with pytest.raises(HealthError, match=re.escape('e.g. {"database"}')):
        CheckPlan(**{field: "database"})


# -- history ---------------------------------------------------------------------------------------------------------------


async def test_the_history_keeps_each_change(health):
    answers = [None, None, Verdict(Status.FAIL, "gone"), Verdict(Status.FAIL, "still"), None]

    @health.check("disk")
    async def disk():
        return answers.pop(0)

    while answers:
        await health.refresh()
    changes = health.history("disk").changes
    assert [(str(change.status), change.output) for change in changes] == [("pass", ""), ("fail", "gone"), ("pass", "")]
    assert 0 < health.results["disk"].availability <= 1
    with pytest.raises(HealthError, match="no health check dsik; there are: disk"):
        health.history("dsik")


def test_availability_is_the_share_of_the_time_without_failure():
    """Warnings count as available; a window looks back no further than what is known."""
    now = [100.0]
    history = History(clock=lambda: now[0])
    assert history.availability() is None
    history.add(Status.PASS, "")
    assert history.availability() == 1.0
    now[0] = 160.0
    history.add(Status.FAIL, "gone")
    now[0] = 170.0
    history.add(Status.WARN, "slow")
    now[0] = 200.0
    assert history.availability() == pytest.approx(0.9)
    assert history.availability(1000) == pytest.approx(0.9)
    assert history.availability(40) == pytest.approx(0.75)
    assert history.availability(10) == 1.0
    history.add(Status.FAIL, "gone")
    assert history.availability(0) == 0.0


def test_the_history_is_bounded():
    history = History()
    for number in range(3 * MAX_CHANGES):
        history.add(Status(number % 2 * 2), str(number))
    assert len(history.changes) == MAX_CHANGES
    assert history.changes[-1].output == str(3 * MAX_CHANGES - 1)
    assert 0 <= history.availability() <= 1
