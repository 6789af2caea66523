"""Store and check passwords: ``kernel.service(Passwords)``. The hashes themselves are plugins of the kind ``password_hasher``.

Config (``plugins.passwords``): ``preferred``, the hasher of new hashes (default ``argon2id``); ``pepper`` (false): mix a key of
the key ring into new hashes; ``min_length`` (8) of new passwords and ``max_length`` (1024) of all, in characters;
``max_waiting`` (1000): more hashes than that at a time are refused. Example::

    [plugins.passwords]
    pepper = true

A stored hash of any loaded hasher verifies, whichever is preferred, and with or without a pepper. It starts before the
configuration is validated, so its section stands in a file, the environment or ``--set``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs
from attrs.validators import and_, ge, le

from trivet import KeyRingError, PasswordError, Passwords, PasswordsBusyError, Provider, StartupRefused, hookimpl
from trivet.events import ConfigWarning
from trivet_plugins.security.passwords.opaque_string import prepare
from trivet_plugins.security.passwords.pepper import Pepper, mark, unmark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet import Composition, Kernel, Operation, PasswordHasher

_MAX_HASH: Final = 512


@attrs.frozen(kw_only=True)
class PasswordsConfig:
    """The section ``plugins.passwords``."""

    preferred: str = "argon2id"
    pepper: bool = False
    min_length: int = attrs.field(default=8, validator=ge(1))
    max_length: int = attrs.field(default=1024, validator=and_(ge(64), le(65_536)))
    max_waiting: int = attrs.field(default=1000, validator=ge(1))


class PasswordService:
    """`Passwords` with the hashers of a kernel.

    Args:
        config: The section.
        kernel: Whose hashers and key ring.
    """

    def __init__(self, config: PasswordsConfig, kernel: Kernel) -> None:
        self._config = config
        self._kernel = kernel
        self._pepper = Pepper(kernel.ciphers, active=config.pepper)
        self._busy = 0

    async def hash(self, password: str, *, account: str = "") -> str:
        """Hash a new password."""
        async with self._operation("hash_password", account) as operation:
            if len(password) < self._config.min_length:
                operation.reason = "too_short"
                raise PasswordError(f"a new password has at least {self._config.min_length} characters")
            return await self._hash(self._prepared(password), operation)

    async def verify(self, password: str, hashed: str | None, *, account: str = "") -> bool:
        """Check a password. Without a hash as much work is done as with one, for nothing."""
        async with self._operation("verify_password", account) as operation:
            try:
                prepared = self._prepared(password)
            except PasswordError:  # no stored hash was made of such a one
                operation.fail("unacceptable")
                return False
            if hashed is None:
                await self._hash(prepared, operation)
                operation.key_id = None
                operation.fail("unknown_account")
                return False
            fits = await self._verify(prepared, hashed, operation)
            if not fits:
                operation.fail("wrong_password")
            return fits

    async def verify_and_update(
        self, password: str, hashed: str | None, *, account: str = ""
    ) -> tuple[bool, str | None]:
        """Check a password; where its hash is out of date, make the new one."""
        if not await self.verify(password, hashed, account=account):
            return False, None
        if hashed is None or not self.needs_rehash(hashed):
            return True, None
        async with self._operation("rehash_password", account) as operation:  # also one that is too short by now
            return True, await self._hash(self._prepared(password), operation)

    def needs_rehash(self, hashed: str) -> bool:
        """Compare key, scheme and parameters with today's."""
        key_id, phc = unmark(_checked(hashed))
        hasher = self._hasher_of(phc)
        return hasher.scheme != self._preferred().scheme or key_id != self._pepper.key_id() or hasher.needs_rehash(phc)

    async def _hash(self, prepared: str, operation: Operation) -> str:
        operation.key_id = key_id = self._pepper.key_id()
        hasher = self._preferred()
        with self._turn():
            return mark(await hasher.hash(self._pepper.add(prepared, key_id)), key_id)

    async def _verify(self, prepared: str, hashed: str, operation: Operation) -> bool:
        key_id, phc = unmark(_checked(hashed))
        operation.key_id = key_id
        hasher = self._hasher_of(phc)
        with self._turn():
            return await hasher.verify(self._pepper.add(prepared, key_id), phc)

    def _operation(self, name: str, account: str) -> Operation:
        return self._kernel.ciphers.operation(name, f"password {account}" if account else "password")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._busy >= self._config.max_waiting:
            raise PasswordsBusyError(f"{self._busy} passwords are being hashed; try again later")
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def _prepared(self, password: str) -> str:
        if len(password) > self._config.max_length:
            raise PasswordError(f"a password has at most {self._config.max_length} characters")
        try:
            return prepare(password)
        except ValueError as exc:
            reason = str(exc)
        raise PasswordError(f"this password cannot be used: {reason}")

    def _preferred(self) -> PasswordHasher:
        found: PasswordHasher | None = self._kernel.provided("password_hasher").get(self._config.preferred)
        if found is None:
            raise PasswordError(f"the hasher {self._config.preferred} does not run; see trivet plugins")
        return found

    def _hasher_of(self, phc: str) -> PasswordHasher:
        scheme = phc[1:].partition("$")[0] if phc.startswith("$") else ""
        hashers: dict[str, PasswordHasher] = self._kernel.provided("password_hasher")
        for hasher in hashers.values():
            if hasher.scheme == scheme:
                return hasher
        known = ", ".join(sorted(hasher.scheme for hasher in hashers.values())) or "none"
        raise PasswordError(f"the stored hash is of a scheme that no plugin gives; there are: {known}")


def _checked(hashed: str) -> str:
    if len(hashed) > _MAX_HASH:
        raise PasswordError(
            f"the stored hash has more than {_MAX_HASH} characters; look at what the account's row holds"
        )
    return hashed


def connect(config: PasswordsConfig, kernel: Kernel) -> PasswordService:
    """Make the service of a kernel.

    Raises:
        StartupRefused: if nobody gives the preferred hasher.
    """
    there = sorted(one.provider.name for one in kernel.compose().providers.values() if one.kind == "password_hasher")
    if config.preferred not in there:
        raise StartupRefused(
            f"plugins.passwords.preferred = {config.preferred!r} is no password hasher; there are: {', '.join(there)}"
        )
    if config.pepper:
        try:
            kernel.ciphers.key_ids()
        except KeyRingError as exc:  # not fatal: the command that makes the first key starts the kernel too
            kernel.emit(ConfigWarning(message=f"plugins.passwords.pepper: {exc}"))
    return PasswordService(config, kernel)


@hookimpl
def register_services(composition: Composition) -> list[Provider[Passwords]]:
    """Offer ``service/passwords``."""
    return [
        Provider(
            name="passwords",
            factory=connect,
            config=PasswordsConfig,
            provides=Passwords,
            after=["password_hasher/*", "service/key_file"],
        )
    ]
