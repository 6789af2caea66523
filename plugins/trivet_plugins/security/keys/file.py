"""The key ring in a file: data keys in JSON (`trivet_plugins.security.keys.document`), wrapped by a master key.

Config (``plugins.key_file``): ``path``; default ``$TRIVET_KEY_FILE``, else ``./<kernel name>.keys``. ``master``: which master key
wraps the keys, ``<key source>:<name>``; empty: they stand as they are, in a file of mode 0600. ``former_masters``: others that
may still be needed to read it. ``create``: make the file where there is none. ``automatic``: replace keys when their time has
come, as ``max_age`` and ``max_messages`` (default: the security level's) and ``suite`` say; a new key is known for ``delay``
before it seals. ``poll_interval``: how often to look whether another process has changed the file. Example::

    [plugins.key_file]
    path = "/etc/orders/orders.keys"
    master = "file:/etc/orders/master.key"
    automatic = true

``trivet secrets init`` makes the file, ``trivet keys`` manages it. A service without sealed values needs none.
"""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from trivet import KeyRing, Provider, SecurityLevel, Shortfall, UnknownServiceError, hookimpl
from trivet.events import ConfigWarning
from trivet_plugins.security.keys.lifecycle import Policy
from trivet_plugins.security.keys.masters import Masters, load_masters
from trivet_plugins.security.keys.ring import POLICY, KeyFile
from trivet_plugins.security.keys.upkeep import Upkeep
from trivet_plugins.security.keys.watch import RingWatch

if TYPE_CHECKING:
    from trivet import Composition, Kernel

__all__ = ("VARIABLE", "KeyFile", "KeyFileConfig", "connect", "path_of", "register_services")

VARIABLE: Final = "TRIVET_KEY_FILE"


@attrs.frozen
class KeyFileConfig:
    """The section ``plugins.key_file``."""

    path: pathlib.Path | None = None
    master: str = ""
    former_masters: tuple[str, ...] = ()
    create: bool = False
    automatic: bool = False
    suite: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.in_(range(1, 2**16)))
    )
    max_age: dt.timedelta | None = None
    max_messages: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(1)))
    delay: dt.timedelta = dt.timedelta(hours=48)
    poll_interval: dt.timedelta = attrs.field(
        default=dt.timedelta(seconds=5), validator=attrs.validators.ge(dt.timedelta(milliseconds=100))
    )

    def shortfalls(self, level: SecurityLevel) -> Iterator[Shortfall]:
        """Compare with a level."""
        age = dt.timedelta(seconds=level.key_age)
        if self.max_age is not None and self.max_age > age:
            yield Shortfall(
                "max_age", f"{self.max_age.days} days are more than the {age.days} days of level {level.name}"
            )
        if self.max_messages is not None and self.max_messages > level.key_messages:
            reason = f"{self.max_messages} messages are more than the {level.key_messages} of level {level.name}"
            yield Shortfall("max_messages", reason)

    def policy(self, level: SecurityLevel | None, suites: Collection[int]) -> Policy:
        """Return when keys are replaced, and by which.

        Args:
            level: Says what is not set here.
            suites: The ciphers that are loaded.
        """
        suite = self.suite or (level.suite if level is not None else POLICY.suite)
        if suite not in suites and self.suite is None:
            suite = POLICY.suite if POLICY.suite in suites else min(suites, default=POLICY.suite)
        age = POLICY.age if level is None else dt.timedelta(seconds=level.key_age)
        messages = POLICY.messages if level is None else level.key_messages
        return Policy(suite=suite, age=self.max_age or age, messages=self.max_messages or messages, delay=self.delay)


def path_of(config: KeyFileConfig, kernel: Kernel) -> pathlib.Path:
    """Return where a kernel's key file is."""
    from_environment = kernel.launch.environ.get(VARIABLE)
    return config.path or pathlib.Path(from_environment or f"{kernel.name}.keys")


@asynccontextmanager
async def connect(config: KeyFileConfig, kernel: Kernel) -> AsyncIterator[KeyFile]:
    """Give the ring of a kernel, and keep it up while the kernel runs."""
    level = _level(kernel)
    names = [name for name in (config.master, *config.former_masters) if name]
    cost = {} if level is None else {"cost": level.passphrase, "bound": level.passphrase_bound}
    ring = KeyFile(
        path_of(config, kernel),
        masters=Masters(*await load_masters(names, kernel), **cost),
        policy=config.policy(level, kernel.ciphers.suites()),
        ciphers=kernel.ciphers,
    )
    if config.create:
        await ring.create_missing()
    upkeep = Upkeep(ring, automatic=config.automatic, warn=lambda text: kernel.emit(ConfigWarning(message=text)))
    await upkeep.begin()
    with RingWatch(ring, upkeep, kernel).shown():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upkeep.run, config.poll_interval.total_seconds())
            yield ring
            tasks.cancel_scope.cancel()


def _level(kernel: Kernel) -> SecurityLevel | None:
    try:
        return kernel.service(SecurityLevel)
    except UnknownServiceError:
        return None


@hookimpl
def register_services(composition: Composition) -> list[Provider[KeyRing]]:
    """Offer ``service/key_file``."""
    return [
        Provider(
            name="key_file",
            factory=connect,
            config=KeyFileConfig,
            provides=KeyRing,
            after=("cipher/*", "key_source/*", "service/security_level"),
            restart=3,
            start_timeout=60.0,  # a passphrase at level paranoid takes seconds, a person who types it some more
        )
    ]
