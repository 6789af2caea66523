"""Set up logging through structlog: readable lines on a terminal, JSON lines otherwise, and what the kernel does as log entries.

Under ``trivet run`` this sets up structlog and the root logger of the standard library, so that the logs of all
libraries come out alike, on stderr. In an application that runs the kernel itself, logging is the application's:
nothing is set up unless ``configure`` says so. The state before is put back when the kernel has stopped.

What the kernel does is logged in any case, under constant names (`EVENTS`) and loggers like ``trivet.config``: through
structlog where that is configured, else through the standard library.

Config (``plugins.logging``): ``level`` (default ``info``; a reload changes it), ``format`` (``auto``, ``console``,
``json``), ``configure`` (default: only under ``trivet run``).

Example::

    [plugins.logging]
    level = "debug"
    format = "json"
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from trivet import Provider, events, hookimpl
from trivet.tracing.registry import Tracing
from trivet_plugins.redaction import redacted, redacted_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping

    from structlog.typing import Processor

    from trivet import Composition, Event, Kernel

    Fields = MutableMapping[str, Any]

Level = Literal["debug", "info", "warning", "error", "critical"]

EVENTS: Final[Mapping[type[Event], tuple[str, str, Level]]] = {
    events.AuditFailed: ("trivet.security", "security.audit_failed", "error"),
    events.ConfigPinned: ("trivet.config", "config.pinned", "warning"),
    events.ConfigReloaded: ("trivet.config", "config.reloaded", "info"),
    events.ConfigRejected: ("trivet.config", "config.rejected", "error"),
    events.ConfigWarning: ("trivet.config", "config.warning", "warning"),
    events.HealthChanged: ("trivet.health", "health.changed", "warning"),
    events.KernelDraining: ("trivet.kernel", "kernel.draining", "info"),
    events.KernelStarted: ("trivet.kernel", "kernel.started", "info"),
    events.KernelStopped: ("trivet.kernel", "kernel.stopped", "info"),
    events.KernelStopping: ("trivet.kernel", "kernel.stopping", "info"),
    events.PluginBroken: ("trivet.plugin", "plugin.broken", "error"),
    events.ProviderSlow: ("trivet.provider", "provider.slow", "warning"),
    events.ProviderStateChanged: ("trivet.provider", "provider.state", "debug"),
    events.SecurityOperation: ("trivet.security", "security.operation", "debug"),
    events.ServiceListening: ("trivet.service", "service.listening", "info"),
}
"""Logger, name of the entry and level of every event. Others, of plugins, are logged as ``event`` with their ``type``."""

_OURS: Final = frozenset({"event", "exc_info", "level", "logger", "stack_info", "timestamp"})
_FIRST: Final = ("timestamp", "level", "logger", "event")
_NUMBERS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_UNTOUCHED: Final = (_OURS - {"event"}) | {"_record", "_from_structlog"}


@attrs.frozen(kw_only=True)
class LoggingConfig:
    """The section ``plugins.logging``."""

    level: Level = "info"
    format: Literal["auto", "console", "json"] = "auto"
    configure: bool | None = None


@attrs.frozen
class Logging:
    """The running service: ``configured`` says whether logging was set up."""

    configured: bool


@asynccontextmanager
async def set_up(config: LoggingConfig, kernel: Kernel) -> AsyncIterator[Logging]:
    """Set up logging where that is ours to do, and put it back after the kernel's last event."""
    if not (kernel.launch.standalone if config.configure is None else config.configure):
        yield Logging(configured=False)
        return
    restore = _configure(config)
    live = kernel.config.bind("plugins.logging", LoggingConfig)
    unsubscribe = live.subscribe(lambda change: logging.getLogger().setLevel(change.new.level.upper()))
    try:
        yield Logging(configured=True)
    finally:
        unsubscribe()
        _when_stopped(kernel, restore)


def _when_stopped(kernel: Kernel, restore: Callable[[], None]) -> None:
    def see(event: Event) -> None:
        if isinstance(event, events.KernelStopped):
            end()
            restore()

    end = kernel.observe(see)


def _configure(config: LoggingConfig) -> Callable[[], None]:
    """Set up structlog and the root logger; return what puts both back."""
    import structlog

    old = structlog.get_config() if structlog.is_configured() else None
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(console=_is_console(config.format)))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_entry_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a cached logger would outlive the set-up
    )
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())

    def restore() -> None:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults() if old is None else structlog.configure(**old)

    return restore


def _is_console(form: str) -> bool:
    return form == "console" or (form == "auto" and sys.stderr.isatty())


def _entry_processors() -> list[Processor]:
    """Return what makes an entry of a call: gather its fields, then redact them before anything else sees them."""
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        add_trace,
        redact,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(*, console: bool) -> logging.Formatter:
    import structlog

    renderers: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact_traceback,
    ]
    if console:
        # Tracebacks are text by now: a pretty one would show local variables, secrets among them.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")  # https://no-color.org
        renderers += [_problems_below, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    else:
        renderers += [_in_order, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # A library's own fields (extra=...) are gathered before the redaction, as the context is.
    foreign: list[Processor] = [structlog.stdlib.ExtraAdder(), *_entry_processors()]
    return structlog.stdlib.ProcessorFormatter(processors=renderers, foreign_pre_chain=foreign)


def add_trace(_logger: object, _method: str, entry: Fields) -> Fields:
    """Add the ids of the span around the call. A structlog processor."""
    context = Tracing.current()
    if context is not None:
        entry.setdefault("trace_id", context.trace_id)
        entry.setdefault("span_id", context.span_id)
    return entry


def redact(_logger: object, _method: str, entry: Fields) -> Fields:
    """Take secrets out of an entry's fields. A structlog processor, the first after the fields are gathered."""
    for name, value in entry.items():
        if name not in _UNTOUCHED:
            entry[name] = redacted(name, value)
    return entry


def redact_traceback(_logger: object, _method: str, entry: Fields) -> Fields:
    """Take secrets out of the text of a traceback, which exists only now. A structlog processor."""
    for name in ("exception", "stack"):
        if isinstance(entry.get(name), str):
            entry[name] = redacted_text(entry[name])
    return entry


def _in_order(_logger: object, _method: str, entry: Fields) -> Fields:
    """Put what every entry has in front, so that lines can be read without a tool."""
    return {**{name: entry[name] for name in _FIRST if name in entry}, **entry}


def _problems_below(_logger: object, _method: str, entry: Fields) -> Fields:
    """Give each problem a line of its own on a terminal: an editor or a person can then follow its place."""
    problems = entry.pop("problems", None)
    if problems:
        entry["stack"] = "\n".join(f"  {problem}" for problem in problems)
    return entry


@hookimpl
def on_event(event: Event) -> None:
    """Log what happens in the kernel."""
    logger, name, level = EVENTS.get(type(event), ("trivet.event", "event", "debug"))
    level = _raised(event, level)
    if not _is_wanted(logger, level):  # a reload opens a thousand sealed values: writing costs more than opening
        return
    recorded = attrs.asdict(event, recurse=False).items()
    fields = {f"{key}_" if key in _OURS else key: value for key, value in recorded if key != "at"}
    if name == "event":
        fields["type"] = type(event).__name__
    _write(logger, name, level, fields)


def _raised(event: Event, level: Level) -> Level:
    if isinstance(event, events.HealthChanged):
        return "info" if event.after == "pass" else level
    if isinstance(event, events.SecurityOperation):
        return "warning" if event.outcome == "failed" else level
    if isinstance(event, events.ProviderStateChanged):
        return {"failed": "error", "restarting": "warning"}.get(event.state, level)  # type: ignore[return-value]
    return level


def _is_wanted(logger: str, level: Level) -> bool:
    return _structlog() is not None or _logger(logger).isEnabledFor(_NUMBERS[level])


@functools.cache  # the names are few, and finding one takes a lock that all loggers share
def _logger(name: str) -> logging.Logger:
    return logging.getLogger(name)


def _structlog() -> Any:  # noqa: ANN401 - a module that may not be there
    # An unconfigured structlog prints to stdout, which is not ours; and importing it costs more than most programs' start.
    structlog = sys.modules.get("structlog")
    return structlog if structlog is not None and structlog.is_configured() else None


def _write(logger: str, name: str, level: Level, fields: Mapping[str, Any]) -> None:
    structlog = _structlog()
    if structlog is not None:
        getattr(structlog.get_logger(logger), level)(name, **fields)
        return
    text = " ".join(f"{key}={redacted(key, value)!r}" for key, value in fields.items())
    _logger(logger).log(_NUMBERS[level], "%s %s", name, text)


@hookimpl
def register_services(composition: Composition) -> list[Provider[Logging]]:
    """Offer the set-up."""
    return [Provider(name="logging", factory=set_up, config=LoggingConfig, provides=Logging)]
