"""What happens in a kernel, as records: plugins see them through the ``on_event`` hook, applications through `Kernel.events`.

No event ever holds a secret.
"""

from __future__ import annotations

import time

import attrs


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened.

    Args:
        at: Seconds since the epoch.
    """

    at: float = attrs.field(factory=time.time)


@attrs.frozen(kw_only=True)
class KernelStarted(Event):
    """Every provider runs; the service is ready."""

    kernel: str
    seconds: float


@attrs.frozen(kw_only=True)
class KernelDraining(Event):
    """A stop was asked for: readiness has fallen, and the service goes on working for ``seconds`` before it stops."""

    kernel: str
    reason: str
    seconds: float


@attrs.frozen(kw_only=True)
class KernelStopping(Event):
    """The stop has begun; readiness is already false. ``reason`` is e.g. ``SIGTERM``, ``body finished``."""

    kernel: str
    reason: str


@attrs.frozen(kw_only=True)
class KernelStopped(Event):
    """Everything that started has stopped."""

    kernel: str


@attrs.frozen(kw_only=True)
class PluginBroken(Event):
    """A plugin was set aside: it does not load or breaks a hook's contract. The kernel runs on without it."""

    plugin: str
    reason: str


@attrs.frozen(kw_only=True)
class ProviderStateChanged(Event):
    """A provider went from one state to another; ``error`` says why where it failed."""

    provider: str
    plugin: str
    state: str
    error: str | None = None


@attrs.frozen(kw_only=True)
class ProviderSlow(Event):
    """Half of a provider's start timeout is over. ``stack`` shows where its coroutine waits."""

    provider: str
    plugin: str
    seconds: float
    stack: str


@attrs.frozen(kw_only=True)
class ServiceListening(Event):
    """A service takes requests at ``url``; the command line shows it."""

    service: str
    url: str


@attrs.frozen(kw_only=True)
class ConfigReloaded(Event):
    """A new configuration snapshot is in force. ``changed`` are dotted paths, without values.

    ``actor`` is who asked for it; None where nobody did.
    """

    generation: int
    fingerprint: str
    reason: str
    changed: tuple[str, ...]
    seconds: float
    actor: str | None = None


@attrs.frozen(kw_only=True)
class ConfigRejected(Event):
    """A reload, rollback or override failed; the old snapshot stays in force. ``problems`` are printable lines."""

    generation: int
    reason: str
    problems: tuple[str, ...]
    actor: str | None = None


@attrs.frozen(kw_only=True)
class ConfigPinned(Event):
    """A generation is held in force against reloads, or no longer: ``pinned`` says which. ``reason`` names who did it."""

    generation: int
    pinned: bool
    reason: str
    actor: str


@attrs.frozen(kw_only=True)
class ConfigWarning(Event):
    """Something in the configuration works but wants a look."""

    message: str


@attrs.frozen(kw_only=True)
class HealthChanged(Event):
    """A health check's verdict changed: ``pass``, ``warn``, ``fail``; ``before`` is ``pending`` for a bad first verdict.

    ``causes`` are failing checks that this one depends on.
    """

    check: str
    before: str
    after: str
    output: str
    causes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, slots=False)  # one for every sealed value: it is made faster without slots
class SecurityOperation(Event):
    """Something was done with a key, a password or a token, or this failed: what the audit log records.

    Args:
        operation: A verb in lower_snake, e.g. ``seal``, ``open``.
        target: What it was about: a purpose and a path; never a value.
        key_id: The key's id in hex, or None where none was found.
        outcome: ``ok`` or ``failed``.
        actor: Who asked, e.g. ``user:alice``, ``http:127.0.0.1``, ``service:orders``; None where that is not known.
        reason: A short code that says why it failed, e.g. ``unknown_key``; never a text from outside.
    """

    operation: str
    target: str
    key_id: str | None
    outcome: str
    actor: str | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class AuditFailed(Event):
    """The audit log cannot take records any more; ``reason`` says why and what to do. Its health says when it can again."""

    reason: str
