"""`Masters`: the master keys of a key file: the one that wraps, and former ones that may still be needed to unwrap."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import attrs

from trivet import Argon2Cost, KeyRingError, Passphrase
from trivet.ciphers.keys import MASTER_KEY_BYTES
from trivet_plugins.security.keys.wrapping import Header, Wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trivet import Kernel, KeySource

# As at level high, for a ring without a kernel that has levels.
_COST = Argon2Cost(memory=65_536, passes=3, lanes=4)
_BOUND = Argon2Cost(memory=2_097_152, passes=10, lanes=16)


@attrs.frozen
class Master:
    """A master key, or why there is none.

    Args:
        name: As the setting has it, e.g. ``file:/etc/orders/master.key``.
        secret: The key.
        refusal: Why it could not be loaded.
    """

    name: str
    secret: bytes | Passphrase | None = attrs.field(default=None, repr=False)
    refusal: str = ""


class Masters:
    """Unlocks key files. Stretching a passphrase takes its time once per file and wrapping: the result is kept.

    Args:
        masters: The one that wraps first; none where keys stand as they are.
        cost: Of stretching a passphrase.
        bound: The most that a file may ask for.
    """

    def __init__(self, *masters: Master, cost: Argon2Cost = _COST, bound: Argon2Cost = _BOUND) -> None:
        self._masters = masters
        self._cost = cost
        self._bound = bound
        self._wraps: dict[Header, Wrap] = {}
        self._misfits: dict[Header, str] = {}
        self._one_at_a_time = threading.Lock()  # each stretching takes the memory that the level says

    @property
    def configured(self) -> bool:
        """True where keys are to be wrapped."""
        return bool(self._masters)

    def fresh(self) -> Wrap | None:
        """Return the wrap of a new file; None where keys stand as they are. May take the time of Argon2id.

        Raises:
            KeyRingError: if the master key could not be loaded.
        """
        if not self._masters:
            return None
        with self._one_at_a_time:
            wrap = Wrap.fresh(self._secret(self._masters[0]), self._cost)
        self._wraps[wrap.header] = wrap
        return wrap

    def unlock(self, header: Header | None) -> Wrap | None:
        """Return the wrap of a file; None where its keys stand as they are. May take the time of Argon2id.

        Raises:
            KeyRingError: if the file asks for too much, no master key fits, or it has wrapping and should not, or the reverse.
        """
        if header is None:
            if self._masters:
                raise KeyRingError(
                    f"its keys are not wrapped, and plugins.key_file.master is {self._masters[0].name}; "
                    "if you know this file, wrap them: trivet keys rewrap"
                )
            return None
        if not self._masters:
            raise KeyRingError(f"its keys are wrapped by {header}; name it: plugins.key_file.master")
        if header not in self._wraps:
            with self._one_at_a_time:
                self._settle(header)
        return self._wraps[header]

    def knows(self, header: Header | None) -> bool:
        """Tell whether `unlock` takes no time."""
        return header is None or header.cost is None or header in self._wraps or header in self._misfits

    def unlock_any(self, header: Header | None) -> Wrap | None:
        """Unlock as `unlock` does, and take a file without wrapping: to wrap it now."""
        return None if header is None else self.unlock(header)

    def _settle(self, header: Header) -> None:
        """Find the wrap of a file, once: what did not fit is not stretched again for every value that asks."""
        if header in self._misfits:
            raise KeyRingError(self._misfits[header])
        if header not in self._wraps:
            try:
                self._wraps[header] = self._search(header)
            except KeyRingError as exc:
                self._misfits[header] = str(exc)
                raise

    def _search(self, header: Header) -> Wrap:
        for master in self._masters:
            if master.secret is not None:
                wrap = self._try(header, master.secret)
                if wrap is not None:
                    return wrap
        refused = [f"{master.name}: {master.refusal}" for master in self._masters if master.refusal]
        if refused:
            raise KeyRingError(f"the master key cannot be loaded: {'; '.join(refused)}")
        names = ", ".join(master.name for master in self._masters)
        raise KeyRingError(
            f"its keys are wrapped by {header}, and {names} does not fit; "
            "name the right one with plugins.key_file.master, or plugins.key_file.former_masters"
        )

    def _try(self, header: Header, secret: bytes | Passphrase) -> Wrap | None:
        if header.cost is not None and not header.cost.within(self._bound):
            raise KeyRingError(f"it asks for Argon2id with {header.cost}, more than the {self._bound} that are allowed")
        return Wrap.unlock(header, secret)

    @staticmethod
    def _secret(master: Master) -> bytes | Passphrase:
        if master.secret is None:
            raise KeyRingError(f"the master key cannot be loaded: {master.name}: {master.refusal}")
        return master.secret


async def load_masters(names: Sequence[str], kernel: Kernel) -> list[Master]:
    """Ask the key sources for master keys. What fails is kept and said when the key is needed."""
    sources: Mapping[str, KeySource] = kernel.provided("key_source")
    return [await _load(name, sources, kernel) for name in names]


async def _load(name: str, sources: Mapping[str, KeySource], kernel: Kernel) -> Master:
    scheme, _, key = name.partition(":")
    try:
        async with kernel.ciphers.operation("load_master_key", name):
            return Master(name, _long_enough(await _source(scheme, sources).load(key)))
    except KeyRingError as exc:
        return Master(name, refusal=str(exc))


def _source(scheme: str, sources: Mapping[str, KeySource]) -> KeySource:
    if scheme not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise KeyRingError(f"no key source is called {scheme!r}; there are: {known}")
    return sources[scheme]


def _long_enough(secret: bytes | Passphrase) -> bytes | Passphrase:
    if isinstance(secret, bytes) and len(secret) < MASTER_KEY_BYTES:
        raise KeyRingError(f"it has {len(secret)} bytes, a master key has {MASTER_KEY_BYTES} at least")
    return secret
