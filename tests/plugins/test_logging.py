"""Logging: what is set up, what comes out, what is put back."""

from __future__ import annotations

import io
import json
import logging
import sys

import attrs
import pytest
import structlog

import trivet_plugins.logging as logging_plugin
from trivet import ConfigError, Event, Kernel, Launch, Secret, events
from trivet.testing import memory_config
from trivet_plugins.logging import EVENTS, Logging, on_event

SEALED = "trivet:1:VFYBAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_aaaaaaaaaaaaaaaa"


class Written:
    """What went to stderr so far."""

    def __init__(self, capsys):
        self.capsys = capsys
        self.text = ""

    def getvalue(self):
        self.text += self.capsys.readouterr().err
        return self.text


@pytest.fixture
def stderr(capsys):
    """What is written to stderr, and no set-up left from elsewhere."""
    structlog.reset_defaults()
    yield Written(capsys)
    structlog.reset_defaults()


def kernel_with(section, *, standalone=False):
    plugins = [logging_plugin, memory_config({"plugins": {"logging": section}})]
    launch = Launch(environ={}, standalone=standalone)
    return Kernel("orders", discover="none", plugins=plugins, launch=launch, strict=True)


def entries(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(text):
    raise ValueError(text)


JSON = {"configure": True, "format": "json", "level": "debug"}


async def test_entries_are_json_lines_where_nobody_looks(stderr):
    """Away from a terminal an entry is one line of JSON with a UTC ISO time, its level and its logger."""
    async with kernel_with({"configure": True}):
        structlog.get_logger("orders").info("order.accepted", number=7, region="eu")
    [entry] = [one for one in entries(stderr) if one["event"] == "order.accepted"]
    assert list(entry) == ["timestamp", "level", "logger", "event", "number", "region"]
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "order.accepted", "level": "info", "logger": "orders", "number": 7, "region": "eu"}


async def test_entries_are_readable_on_a_terminal(stderr, monkeypatch):
    """On a terminal an entry is a line for people."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    async with kernel_with({"configure": True}):
        structlog.get_logger("orders").info("order.accepted", number=7)
    [line] = [line for line in stderr.getvalue().splitlines() if "order.accepted" in line]
    assert "number" in line
    assert "\x1b[" in line
    assert not line.startswith("{")


async def test_colours_are_for_terminals_and_those_who_like_them(stderr, monkeypatch):
    """A console log in a file has none, nor one under NO_COLOR."""
    async with kernel_with({**JSON, "format": "console"}):
        structlog.get_logger("orders").info("order.accepted")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    async with kernel_with({"configure": True}):
        structlog.get_logger("orders").info("order.accepted")
    assert "order.accepted" in stderr.getvalue()
    assert "\x1b[" not in stderr.getvalue()


async def test_a_librarys_logs_come_out_the_same(stderr):
    """The standard library's loggers give the same entries, with their extra fields, tracebacks and context."""
    async with kernel_with(JSON):
        structlog.contextvars.bind_contextvars(request="r-1")
        try:
            fail(f"cannot reach amqp://app:hunter2@mq or {SEALED}")
        except ValueError:
            logging.getLogger("library").exception("lost %s", "it", extra={"attempt": 3, "password": "hunter2"})
        finally:
            structlog.contextvars.clear_contextvars()
    [entry] = [one for one in entries(stderr) if one["logger"] == "library"]
    assert (entry["event"], entry["level"], entry["attempt"]) == ("lost it", "error", 3)
    assert entry["request"] == "r-1"
    assert entry["password"] == "***"
    assert "ValueError: cannot reach amqp://app:***@mq or trivet:1:VFYBAA…" in entry["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_way_into_a_log_shows_a_secret(stderr, form):
    """Fields, context, messages, arguments, nested values, objects and tracebacks: none shows a secret's text."""
    async with kernel_with({**JSON, "format": form}):
        log = structlog.get_logger("orders").bind(api_key="hunter2", nested={"token": "hunter2"})
        with structlog.contextvars.bound_contextvars(db_password="hunter2"):
            log.info("one", secret=Secret("hunter2"), listed=[Secret("hunter2")], url="pg://u:hunter2@db")
            formatted = f"two {Secret('hunter2')} {SEALED}"
            log.info(formatted)
            logging.getLogger("library").warning("three %s %s", Secret("hunter2"), "pg://u:hunter2@db")
            try:
                password = "hunter2"  # noqa: F841 - a local variable, which a traceback must not show
                fail("pg://u:hunter2@db")
            except ValueError:
                log.exception("four")
                logging.getLogger("library").exception("five")
    text = stderr.getvalue()
    assert all(word in text for word in ("one", "two", "three", "four", "five"))
    assert "hunter2" not in text.replace('password = "hunter2"', "").replace('"pg://u:hunter2@db"', "")
    assert SEALED not in text


async def test_the_level_holds_back_and_a_reload_changes_it(stderr):
    """Entries below the level do not come out, from either kind of logger; a new level applies at once."""
    config = memory_config({"plugins": {"logging": {"configure": True, "level": "warning"}}})
    kernel = Kernel("orders", discover="none", plugins=[logging_plugin, config], launch=Launch(environ={}), strict=True)
    async with kernel:
        structlog.get_logger("orders").info("held back")
        logging.getLogger("library").info("held back too")
        config.data = {"plugins": {"logging": {"configure": True, "level": "info"}}}
        await kernel.config.reload()
        structlog.get_logger("orders").info("let through")
        logging.getLogger("library").info("let through too")
    texts = [entry["event"] for entry in entries(stderr)]
    assert "held back" not in texts
    assert "held back too" not in texts
    assert {"let through", "let through too"} <= set(texts)


async def test_in_somebody_elses_process_nothing_is_set_up(stderr):
    """An application's logging stays as it is, unless it asks."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.is_configured())
    kernel = kernel_with({})
    async with kernel:
        assert kernel.service(Logging) == Logging(configured=False)
        assert (root.handlers[:], root.level, structlog.is_configured()) == before
    assert stderr.getvalue() == ""


async def test_under_trivet_run_it_is_set_up_unless_refused(stderr):
    """A standalone launch sets up; ``configure = false`` keeps it from doing so."""
    kernel = kernel_with({}, standalone=True)
    async with kernel:
        assert kernel.service(Logging).configured
    kernel = kernel_with({"configure": False}, standalone=True)
    async with kernel:
        assert not kernel.service(Logging).configured


async def test_what_was_there_before_comes_back(stderr):
    """After the last event of the kernel the root logger and structlog are as they were."""
    root = logging.getLogger()
    handler = logging.NullHandler()
    root.addHandler(handler)
    chain = [structlog.processors.KeyValueRenderer()]
    structlog.configure(processors=chain, logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    before = (root.handlers[:], root.level)
    try:
        async with kernel_with(JSON):
            assert root.handlers != before[0]
            assert structlog.get_config()["processors"] is not chain
        assert (root.handlers[:], root.level) == before
        assert structlog.get_config()["processors"] is chain
    finally:
        root.removeHandler(handler)
    assert entries(stderr)[-1]["event"] == "kernel.stopped"


async def test_an_unconfigured_structlog_comes_back_unconfigured(stderr):
    """Nothing of the set-up stays."""
    async with kernel_with(JSON):
        assert structlog.is_configured()
    assert not structlog.is_configured()


async def test_what_the_kernel_does_is_logged(stderr):
    """Start, reload, rejection, stop: constant names, in order, a rejection with each problem."""
    config = memory_config({"plugins": {"logging": JSON}})
    kernel = Kernel("orders", discover="none", plugins=[logging_plugin, config], launch=Launch(environ={}), strict=True)
    async with kernel:
        config.data = {"plugins": {"logging": {**JSON, "level": "info"}}}
        await kernel.config.reload()
        config.data = {"plugins": {"logging": {**JSON, "level": "loud", "nope": 1}}}
        await kernel.config.reload()
    wanted = {"kernel.started", "config.reloaded", "config.rejected", "kernel.stopping", "kernel.stopped"}
    seen = [entry for entry in entries(stderr) if entry["event"] in wanted]
    assert [entry["event"] for entry in seen] == [
        "kernel.started",
        "config.reloaded",
        "config.rejected",
        "kernel.stopping",
        "kernel.stopped",
    ]
    assert seen[1]["changed"] == ["plugins.logging.level"]
    assert seen[2]["level"] == "error"
    assert len(seen[2]["problems"]) == 2
    assert seen[0]["logger"] == "trivet.kernel"


async def test_on_a_terminal_each_problem_has_its_own_line(stderr):
    """A person or an editor can follow the place."""
    async with kernel_with({**JSON, "format": "console"}):
        on_event(
            events.ConfigRejected(generation=2, reason="x", problems=("a.toml:1:2: error: b", "c.toml:3:4: error: d"))
        )
    lines = [line.strip() for line in stderr.getvalue().splitlines()]
    assert "a.toml:1:2: error: b" in lines
    assert "c.toml:3:4: error: d" in lines


def test_every_event_has_a_name():
    """No event of the kernel is logged without a constant name."""
    kernels = {value for value in vars(events).values() if isinstance(value, type) and issubclass(value, Event)}
    assert kernels - {Event} == set(EVENTS)


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (events.HealthChanged(check="db", before="pass", after="fail", output="gone"), "warning"),
        (events.HealthChanged(check="db", before="fail", after="pass", output=""), "info"),
        (events.ProviderStateChanged(provider="service/x", plugin="x", state="running"), "debug"),
        (events.ProviderStateChanged(provider="service/x", plugin="x", state="failed", error="bad"), "error"),
        (events.ProviderStateChanged(provider="service/x", plugin="x", state="restarting", error="bad"), "warning"),
        (events.SecurityOperation(operation="open", target="t", key_id=None, outcome="failed"), "warning"),
        (events.SecurityOperation(operation="open", target="t", key_id="ab", outcome="ok"), "debug"),
        (events.PluginBroken(plugin="x", reason="bad"), "error"),
    ],
)
async def test_the_level_tells_how_bad_it_is(stderr, event, level):
    """What went wrong is above what is news, and that above what is routine."""
    async with kernel_with(JSON):
        on_event(event)
        entry = entries(stderr)[-1]
    assert (entry["event"], entry["level"]) == (EVENTS[type(event)][1], level)


async def test_a_plugins_event_may_have_any_field(stderr):
    """An event with fields that are called like an entry's own is logged with all of them."""

    @attrs.frozen(kw_only=True)
    class Odd(Event):
        event: str = "a"
        level: str = "b"
        exc_info: str = "c"
        password: str = "hunter2"

    async with kernel_with(JSON):
        on_event(Odd())
    [entry] = [entry for entry in entries(stderr) if entry["event"] == "event"]
    assert (entry["type"], entry["event_"], entry["level_"], entry["exc_info_"]) == ("Odd", "a", "b", "c")
    assert entry["password"] == "***"


def test_without_structlog_the_standard_library_gets_the_events(stderr, caplog):
    """Where structlog is not configured nothing is printed to stdout: an application's own handlers decide."""
    with caplog.at_level("DEBUG"):
        on_event(events.ConfigReloaded(generation=2, fingerprint="f", reason="SIGHUP", changed=("a.b",), seconds=0.1))
    [record] = caplog.records
    assert (record.name, record.levelname) == ("trivet.config", "INFO")
    assert record.getMessage().startswith("config.reloaded generation=2 fingerprint='f' reason='SIGHUP'")


@pytest.mark.parametrize("section", [{"level": "loud"}, {"format": "xml"}, {"configure": "perhaps"}, {"nope": 1}])
async def test_a_wrong_setting_is_a_problem(section):
    """Each wrong value is named with its path."""
    with pytest.raises(ConfigError, match=r"plugins\.logging"):
        async with kernel_with(section):
            pass
