"""Every security operation is recorded once, however it ends, with who asked and a code that says why it failed."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from trivet import AuditError, Kernel, KeyRingError, Launch, Provider, Recorder, acting_as, hookimpl
from trivet.ciphers.operation import code_of
from trivet.ciphers.registry import Ciphers
from trivet.errors import CompositionError, SealError

CANARY = "hunter2-canary"


class Log:
    """An audit log in memory; ``broken`` has it refuse, ``closed`` has operations wait."""

    def __init__(self, *, closed=False, broken=False):
        self.records = []
        self.closed, self.broken = closed, broken
        self.waited = []

    def admit(self):
        if self.broken == "at the beginning":
            raise AuditError("the disk is full")

    def record(self, operation):
        self.records.append(operation)
        return self if self.closed else None

    async def durable(self):
        await anyio.lowlevel.checkpoint()
        self.wait()

    def wait(self):
        self.waited.append(self.records[-1])
        if self.broken:
            raise AuditError("the disk is full")


def ciphers(events=None, log=None, actor=None):
    made = Ciphers("orders", emit=(events if events is not None else []).append, launch=lambda: Launch(actor=actor))
    if log is not None:
        made.recording.use(log)
    return made


async def run(operation, awaited):
    """Run an empty block in one of the two ways."""
    if awaited:
        async with operation:
            return operation
    with operation:
        return operation


@pytest.fixture(params=[True, False], ids=["async with", "with"])
def awaited(request):
    return request.param


async def test_an_operation_is_an_event_with_all_that_the_log_needs(awaited):
    events = []
    made = ciphers(events)
    operation = made.operation("rotate", "keys")
    operation.key_id = 0xAB
    await run(operation, awaited)
    (event,) = events
    assert (event.operation, event.target, event.key_id) == ("rotate", "keys", "00000000000000ab")
    assert (event.outcome, event.reason, event.actor) == ("ok", None, "service:orders")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (KeyRingError(CANARY), "key_ring_error"),
        (ValueError(CANARY), "value_error"),
        (OSError(28, CANARY), "os_error"),
        (TimeoutError(), "timeout_error"),
        (KeyboardInterrupt(), "keyboard_interrupt"),
    ],
)
def test_a_failure_is_recorded_with_a_code_and_none_of_its_text(failure, code):
    events = []
    with pytest.raises(type(failure)), ciphers(events).operation("rotate", "keys"):
        raise failure
    assert (events[0].outcome, events[0].reason) == ("failed", code)
    assert CANARY not in repr(events)


def test_a_code_is_lower_snake():
    """Whatever a plugin calls its exceptions."""
    names = ["HTTPError", "XMLParseError2", "_Private", "E", "lowercase"]
    assert [code_of(type(name, (Exception,), {})) for name in names] == [
        "http_error",
        "xml_parse_error2",
        "private",
        "e",
        "lowercase",
    ]


async def test_a_block_that_raises_nothing_may_have_failed(awaited):
    """A wrong password is an answer, not an exception."""
    events = []
    operation = ciphers(events).operation("verify_password", "login")
    operation.fail("mismatch")
    await run(operation, awaited)
    assert (events[0].outcome, events[0].reason) == ("failed", "mismatch")


async def test_opening_says_in_its_record_what_it_does_not_say_in_its_error():
    """The one text of `SealError` tells a stranger nothing; the record tells the auditor."""
    events = []
    made = ciphers(events)

    class Ring:
        def primary(self):
            raise KeyRingError("none")

        def find(self, key_id):
            return None

        def key_ids(self):
            return []

    from trivet_plugins.security.ciphers.aes_gcm import AesGcm

    made.add_backend("aes_gcm", AesGcm())
    made.use_ring(Ring())
    for text in ("nonsense", "trivet:1:" + "A" * 120):
        with pytest.raises(SealError):
            await made.open(text, purpose="config")
    assert {event.reason for event in events} <= {"malformed", "unknown_key"}
    assert events[0].reason == "malformed"


async def test_who_asks_is_the_nearest_that_is_named():
    """The call, the block around it, who started the program, the service."""
    events = []
    made = ciphers(events, actor="user:alice")
    with acting_as("http:10.0.0.9"):
        await run(made.operation("a", "x", actor="user:bob"), awaited=True)
        await run(made.operation("b", "x"), awaited=True)
    await run(made.operation("c", "x"), awaited=True)
    await run(ciphers(events).operation("d", "x"), awaited=True)
    assert [event.actor for event in events] == ["user:bob", "http:10.0.0.9", "user:alice", "service:orders"]


async def test_tasks_started_in_a_block_act_for_the_same():
    events = []
    made = ciphers(events)
    with acting_as("http:10.0.0.9"):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: run(made.operation("a", "x"), awaited=True))
    assert events[0].actor == "http:10.0.0.9"


@pytest.mark.parametrize("actor", ["", "  ", "two\nlines", "bell\a"])
def test_an_actor_is_one_printable_line(actor):
    with pytest.raises(ValueError, match="printable line"), acting_as(actor):
        pass


async def test_a_fail_closed_log_is_waited_for(awaited):
    log = Log(closed=True)
    await run(ciphers(log=log).operation("rotate", "keys"), awaited)
    assert log.waited == log.records


async def test_an_operation_fails_where_its_record_cannot_be_written(awaited):
    made = ciphers(log=Log(closed=True, broken=True))
    with pytest.raises(AuditError, match="disk is full"):
        await run(made.operation("rotate", "keys"), awaited)


async def test_nothing_begins_while_a_fail_closed_log_cannot_write(awaited):
    made = ciphers(log=Log(closed=True, broken="at the beginning"))
    begun = []
    with pytest.raises(AuditError):
        if awaited:
            async with made.operation("rotate", "keys"):
                begun.append(True)
        else:
            with made.operation("rotate", "keys"):
                begun.append(True)
    assert begun == []


async def test_a_failure_of_the_block_is_not_hidden_by_one_of_the_log(awaited):
    made = ciphers(log=Log(closed=True, broken=True))
    with pytest.raises(KeyRingError) as caught:
        if awaited:
            async with made.operation("rotate", "keys"):
                raise KeyRingError("no key")
        else:
            with made.operation("rotate", "keys"):
                raise KeyRingError("no key")
    assert caught.value.__notes__ == ["the disk is full"]


async def test_a_cancelled_block_is_recorded_and_waits_for_nothing():
    log = Log(closed=True)
    with anyio.move_on_after(0.01):
        async with ciphers(log=log).operation("rotate", "keys"):
            await anyio.sleep(10)
    assert [record.outcome for record in log.records] == ["failed"]
    assert log.waited == []


async def test_what_came_before_the_log_is_recorded_first():
    """The order of start must not decide what is recorded."""
    made, log = ciphers(), Log()
    await run(made.operation("early", "x"), awaited=True)
    made.recording.use(log)
    await run(made.operation("late", "x"), awaited=True)
    assert [record.operation for record in log.records] == ["early", "late"]


def test_two_audit_logs_are_refused():
    made = ciphers(log=Log())
    with pytest.raises(CompositionError, match="two audit logs"):
        made.recording.use(Log())


async def test_a_plugin_that_provides_a_recorder_is_the_kernels_audit_log():
    """It starts with what opens sealed values, and leaves with the kernel."""
    log = Log()

    class Plugin:
        @hookimpl
        def register_services(self, composition):
            return [Provider(name="ledger", factory=lambda: log, provides=Recorder)]

    kernel = Kernel("orders", plugins=[Plugin()], discover="none", strict=True, launch=Launch(environ={}))
    async with kernel.secured():
        with kernel.ciphers.operation("rotate", "keys"):
            pass
    with kernel.ciphers.operation("after", "keys"):
        pass
    assert [record.operation for record in log.records] == ["rotate"]
