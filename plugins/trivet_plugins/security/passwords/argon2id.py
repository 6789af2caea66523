"""Argon2id (RFC 9106) for stored passwords, through ``argon2-cffi``: ``$argon2id$v=19$m=65536,t=3,p=4$salt$hash``.

Config (``plugins.argon2id``): ``memory`` in KiB, ``passes``, ``lanes`` of new hashes, and ``concurrency``: hashes computed at a
time. Default: those of the security level; as many at a time as there are cores for their lanes. A hash that asks for more than
the level's bound is refused before any work. The most memory that passwords take is concurrency x memory. Example::

    [plugins.argon2id]
    memory = 131072  # 128 MiB
"""

from __future__ import annotations

import functools
import re
import secrets
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
import attrs
from attrs.validators import ge, optional

from trivet import Argon2Cost, PasswordError, Provider, SecurityLevel, Shortfall, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trivet import Composition, Kernel, PasswordHasher

T = TypeVar("T")

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_FORM: Final = re.compile(
    r"\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,86})\$(?P<hash>[A-Za-z0-9+/]{16,86})\Z",
    re.ASCII,
)
_LENGTHS: Final = tuple(-(-size * 4 // 3) for size in (_SALT_BYTES, _HASH_BYTES))
"""Characters of salt and hash in base64 without padding."""


@attrs.frozen(kw_only=True)
class Argon2idConfig:
    """The section ``plugins.argon2id``."""

    memory: int | None = attrs.field(default=None, validator=optional(ge(8)))
    passes: int | None = attrs.field(default=None, validator=optional(ge(1)))
    lanes: int | None = attrs.field(default=None, validator=optional(ge(1)))
    concurrency: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def cost(self, level: SecurityLevel) -> Argon2Cost:
        """Return the cost of new hashes."""
        own = {name: getattr(self, name) for name in ("memory", "passes", "lanes")}
        return attrs.evolve(level.password, **{name: value for name, value in own.items() if value is not None})

    def at_once(self, level: SecurityLevel) -> int:
        """Return how many hashes are computed at a time: as many as the level's threads have lanes for."""
        return self.concurrency or max(1, level.kdf_concurrency // self.cost(level).lanes)

    def shortfalls(self, level: SecurityLevel) -> Iterator[Shortfall]:
        """Compare memory and passes; the number of lanes takes nothing from an attacker's work."""
        cost = self.cost(level)
        if any(
            cost.memory >= good.memory and cost.passes >= good.passes
            for good in (level.password, *level.password_alternatives)
        ):
            return
        for name, unit in (("memory", "KiB"), ("passes", "passes")):
            given, wanted = getattr(cost, name), getattr(level.password, name)
            if given < wanted:
                yield Shortfall(name, f"{given} {unit} is below the {wanted} {unit} of level {level.name}")


class Argon2id:
    """A `PasswordHasher`.

    Args:
        cost: Of new hashes.
        bound: The most that a stored hash may ask for.
        concurrency: Hashes computed at a time.
    """

    scheme = "argon2id"

    def __init__(self, cost: Argon2Cost, *, bound: Argon2Cost, concurrency: int) -> None:
        from argon2 import exceptions
        from argon2.low_level import Type, hash_secret, verify_secret

        self._hash_secret = functools.partial(hash_secret, hash_len=_HASH_BYTES, type=Type.ID)
        self._verify_secret = functools.partial(verify_secret, type=Type.ID)
        self._errors = exceptions
        self._cost = cost
        self._bound = bound
        self._limiter = anyio.CapacityLimiter(concurrency)

    async def hash(self, password: str) -> str:
        """Hash with a fresh random salt of 16 bytes to 32 bytes."""

        def work() -> bytes:
            return self._hash_secret(
                _bytes(password),
                secrets.token_bytes(_SALT_BYTES),
                time_cost=self._cost.passes,
                memory_cost=self._cost.memory,
                parallelism=self._cost.lanes,
            )

        return (await self._in_thread(work)).decode("ascii")

    async def verify(self, password: str, hashed: str) -> bool:
        """Compute the hash with the stored parameters and compare, if they are within the bound."""
        cost = _parse(hashed)[0]
        if not cost.within(self._bound):
            raise PasswordError(f"the stored Argon2id hash asks for {cost}; the bound is {self._bound}")

        def work() -> bool:
            try:
                return self._verify_secret(hashed.encode("ascii"), _bytes(password))
            except self._errors.VerifyMismatchError:
                return False

        return await self._in_thread(work)

    def needs_rehash(self, hashed: str) -> bool:
        """Compare cost and the lengths of salt and hash with today's."""
        return _parse(hashed) != (self._cost, *_LENGTHS)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        except (self._errors.HashingError, self._errors.VerificationError) as exc:  # the library says why in C's words
            reason = str(exc)
        raise PasswordError(
            f"Argon2id did not run: {reason}; if memory is short, lower plugins.argon2id.memory or concurrency"
        )


def _parse(hashed: str) -> tuple[Argon2Cost, int, int]:
    """Return cost, and the lengths of salt and hash in characters."""
    match = _FORM.match(hashed)
    if match is None or int(match[1]) < 8 * int(match[3]):
        raise PasswordError("the stored hash is no Argon2id hash of version 19; look at what the account's row holds")
    cost = Argon2Cost(memory=int(match[1]), passes=int(match[2]), lanes=int(match[3]))
    return cost, len(match["salt"]), len(match["hash"])


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # an error would carry the password


def connect(config: Argon2idConfig, kernel: Kernel) -> Argon2id:
    """Make the hasher of a kernel."""
    level = kernel.service(SecurityLevel)
    return Argon2id(config.cost(level), bound=level.password_bound, concurrency=config.at_once(level))


@hookimpl
def register_password_hashers(composition: Composition) -> list[Provider[PasswordHasher]]:
    """Offer ``password_hasher/argon2id``."""
    return [Provider(name="argon2id", factory=connect, config=Argon2idConfig, requires=["service/security_level"])]
