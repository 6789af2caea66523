"""PBKDF2-HMAC-SHA256 (RFC 8018) for stored passwords where FIPS 140 is the rule: ``$pbkdf2-sha256$i=1000000,l=32$salt$hash``.

Elsewhere Argon2id is better: PBKDF2 takes no memory, so an attacker's graphics card computes thousands at once.

Config (``plugins.pbkdf2_sha256``): ``rounds`` of new hashes, ``concurrency``: hashes computed at a time. Default: those of the
security level. A hash that asks for more rounds than the level's bound is refused before any work. Example::

    [plugins.passwords]
    preferred = "pbkdf2_sha256"
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import attrs
from attrs.validators import ge, optional

from trivet import PasswordError, Provider, SecurityLevel, Shortfall, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet import Composition, Kernel, PasswordHasher

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_FORM: Final = re.compile(
    r"\$pbkdf2-sha256\$i=([1-9]\d{0,9}),l=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})\Z", re.ASCII
)


@attrs.frozen(kw_only=True)
class Pbkdf2Config:
    """The section ``plugins.pbkdf2_sha256``."""

    rounds: int | None = attrs.field(default=None, validator=optional(ge(1000)))
    concurrency: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def shortfalls(self, level: SecurityLevel) -> Iterator[Shortfall]:
        """Compare the rounds."""
        if self.rounds is not None and self.rounds < level.pbkdf2_rounds:
            yield Shortfall("rounds", f"{self.rounds} is below the {level.pbkdf2_rounds} of level {level.name}")


class Pbkdf2Sha256:
    """A `PasswordHasher`.

    Args:
        rounds: Of new hashes.
        bound: The most rounds that a stored hash may ask for.
        concurrency: Hashes computed at a time.
    """

    scheme = "pbkdf2-sha256"

    def __init__(self, rounds: int, *, bound: int, concurrency: int) -> None:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

        self._hash = SHA256()
        self._kdf = PBKDF2HMAC  # hashlib's takes twice as long
        self._rounds = rounds
        self._bound = bound
        self._limiter = anyio.CapacityLimiter(concurrency)

    async def hash(self, password: str) -> str:
        """Hash with a fresh random salt of 16 bytes to 32 bytes."""
        salt = secrets.token_bytes(_SALT_BYTES)
        derived = await self._derive(password, salt, self._rounds, _HASH_BYTES)
        return f"$pbkdf2-sha256$i={self._rounds},l={_HASH_BYTES}${_encode(salt)}${_encode(derived)}"

    async def verify(self, password: str, hashed: str) -> bool:
        """Compute the hash with the stored rounds and compare, if they are within the bound."""
        rounds, salt, stored = _parse(hashed)
        if rounds > self._bound:
            raise PasswordError(f"the stored PBKDF2 hash asks for {rounds} rounds; the bound is {self._bound}")
        return hmac.compare_digest(await self._derive(password, salt, rounds, len(stored)), stored)

    def needs_rehash(self, hashed: str) -> bool:
        """Compare rounds and the lengths of salt and hash with today's."""
        rounds, salt, stored = _parse(hashed)
        return (rounds, len(salt), len(stored)) != (self._rounds, _SALT_BYTES, _HASH_BYTES)

    async def _derive(self, password: str, salt: bytes, rounds: int, length: int) -> bytes:
        secret = password.encode("utf-8", "surrogatepass")  # an error would carry the password

        def work() -> bytes:
            return self._kdf(self._hash, length, salt, rounds).derive(secret)

        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _parse(hashed: str) -> tuple[int, bytes, bytes]:
    """Return rounds, salt and hash."""
    match = _FORM.match(hashed)
    if match is not None:
        try:
            salt, stored = _decode(match[3]), _decode(match[4])
        except binascii.Error:
            pass
        else:
            # One text per hash: the last character may carry bits that stand for nothing.
            if len(stored) == int(match[2]) and [*map(_encode, (salt, stored))] == [match[3], match[4]]:
                return int(match[1]), salt, stored
    raise PasswordError("the stored hash is no PBKDF2-SHA256 hash; look at what the account's row holds")


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)


def connect(config: Pbkdf2Config, kernel: Kernel) -> Pbkdf2Sha256:
    """Make the hasher of a kernel."""
    level = kernel.service(SecurityLevel)
    return Pbkdf2Sha256(
        config.rounds or level.pbkdf2_rounds,
        bound=level.pbkdf2_bound,
        concurrency=config.concurrency or level.kdf_concurrency,
    )


@hookimpl
def register_password_hashers(composition: Composition) -> list[Provider[PasswordHasher]]:
    """Offer ``password_hasher/pbkdf2_sha256``."""
    return [Provider(name="pbkdf2_sha256", factory=connect, config=Pbkdf2Config, requires=["service/security_level"])]
