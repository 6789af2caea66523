"""`SecurityLevel`: the figures that security plugins work with unless their own section says otherwise.

A plugin of any origin asks for them: ``requires=["service/security_level"]`` in its provider, then
``kernel.service(SecurityLevel)`` in its factory. Where its section may override a figure, the section's class has a method
``shortfalls`` (`Leveled`), and what falls below the level is a warning at the start and in ``trivet check``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol, runtime_checkable

import attrs
from attrs.validators import ge

AuditMode = Literal["chain", "checkpoints", "fail_closed"]


@attrs.frozen(kw_only=True)
class Argon2Cost:
    """What one Argon2id hash takes (RFC 9106, section 3.1), or the most that a stored hash may ask for.

    Args:
        memory: KiB; at least 8 per lane.
        passes: Over the memory.
        lanes: Threads that fill it.
    """

    memory: int = attrs.field(validator=ge(8))
    passes: int = attrs.field(validator=ge(1))
    lanes: int = attrs.field(validator=ge(1))

    def within(self, bound: Argon2Cost) -> bool:
        """Say whether no figure is above that of ``bound``."""
        return self.memory <= bound.memory and self.passes <= bound.passes and self.lanes <= bound.lanes

    def __str__(self) -> str:
        return f"{self.memory} KiB, {self.passes} passes, {self.lanes} lanes"


@attrs.frozen(kw_only=True)
class SecurityLevel:
    """One level: what ``kernel.service(SecurityLevel)`` gives. Its figures count from the start of the kernel to its stop.

    Args:
        name: ``standard``, ``high``, ``paranoid``, or what a plugin that replaces ``service/security_level`` calls its own.
        password: Cost of a stored password.
        password_alternatives: Costs that trade memory for passes and are held to be as good.
        password_bound: The most that a stored password hash may ask for, checked before any work.
        passphrase: Cost of turning a master passphrase into a key, once per start.
        passphrase_bound: The most that a stored key ring may ask for.
        pbkdf2_rounds: Of PBKDF2-HMAC-SHA256.
        pbkdf2_bound: The most rounds that a stored hash may ask for.
        suite: Number of the cipher that new keys are for; see `CipherBackend`.
        commitment: Whether a ciphertext must open under one key only.
        key_age: Seconds after which a key is to be rotated.
        key_messages: Messages after which a key is to be rotated.
        audit: ``chain``: records are chained; ``checkpoints``: and signed now and then; ``fail_closed``: and an operation that
            cannot be recorded fails.
        kdf_concurrency: Threads that compute password hashes in one process. An Argon2id hash takes one per lane; one hash at a
            time is always computed.
        sources: Name of a figure to where it is from.
    """

    name: str
    password: Argon2Cost
    password_alternatives: tuple[Argon2Cost, ...] = ()
    password_bound: Argon2Cost
    passphrase: Argon2Cost
    passphrase_bound: Argon2Cost
    pbkdf2_rounds: int
    pbkdf2_bound: int
    suite: int
    commitment: bool
    key_age: float
    key_messages: int
    audit: AuditMode
    manifest: bool = False
    kdf_concurrency: int = attrs.field(validator=ge(1))
    sources: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Shortfall:
    """A setting that falls below the security level.

    Args:
        setting: The field of the plugin's section, e.g. ``memory``.
        reason: What it is and what the level asks for: ``8192 KiB is below the 65536 KiB of level high``.
    """

    setting: str
    reason: str


@runtime_checkable
class Leveled(Protocol):
    """The class of a plugin's section (`Provider.config`) that can fall below a security level."""

    def shortfalls(self, level: SecurityLevel) -> Iterable[Shortfall]:
        """Compare the section with a level. Called with every new configuration: no I/O, at once."""
        ...
