"""`Ciphers`: what ``kernel.ciphers`` is. Seals values and opens them; the ciphers and the keys come from plugins.

Which cipher seals is the primary key's choice (`Key.suite`); which one opens is written in the envelope. A plugin that
replaces ``cipher/aes_256_gcm`` and keeps its suite number opens what was sealed before.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from trivet.ciphers.binding import bind
from trivet.ciphers.derivation import Derivation
from trivet.ciphers.envelope import MAX_DATA_BYTES, Envelope, EnvelopeError
from trivet.ciphers.keys import KeyCounter
from trivet.ciphers.operation import Operation
from trivet.ciphers.recording import Recording
from trivet.ciphers.signing import Signing
from trivet.ciphers.streaming import Streaming
from trivet.ciphers.suite import Suite
from trivet.errors import CompositionError, KeyRingError, SealError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trivet.ciphers.contracts import CipherBackend, Key, KeyRing
    from trivet.config.origin import Path
    from trivet.events import Event
    from trivet.launch import Launch

_DOES_NOT_OPEN: Final = (
    "the sealed value does not open: it is damaged, or it was sealed with another key, for another place, "
    "or by a cipher whose plugin is not loaded"
)


def _ignore(_event: Event) -> None:
    """Stand in for the kernel where a registry is used on its own."""


class Ciphers(Signing, Derivation, Streaming):
    """Seal and open values and streams, sign, verify and derive under the service's key ring.

    Args:
        name: The kernel's name: the namespace that every sealed value is bound to.
        emit: Takes the `SecurityOperation` of every operation, successful or not.
        launch: Says who started the program.

    Example:
        >>> token = await kernel.ciphers.seal(b"42", purpose="session")
        >>> await kernel.ciphers.open(token, purpose="session")
        b'42'
    """

    def __init__(
        self, name: str, *, emit: Callable[[Event], None] = _ignore, launch: Callable[[], Launch] | None = None
    ) -> None:
        self._name = name
        self.recording = Recording(name, emit, launch)
        self._suites: dict[int, Suite] = {}
        self._ring: KeyRing | None = None
        self._count: Callable[[Key, int], None] | None = None

    def add_backend(self, name: str, backend: CipherBackend) -> Callable[[], None]:
        """Add a cipher.

        Args:
            name: Its provider's name, for messages.
            backend: The cipher. Its suite number must be free.

        Returns:
            A function that removes it again.

        Raises:
            CompositionError: if another cipher has its suite number, or its sizes do not fit the envelope.
        """
        suite, number = Suite.of(name, backend), backend.suite
        present = self._suites.get(number)
        if present is not None:
            raise CompositionError(
                f"cipher suite {number} is given by {present.name} and {name}; "
                f'set replaces="cipher/{present.name}" on {name}, block one, or give {name} a suite number of its own'
            )
        self._suites[number] = suite

        def remove() -> None:
            if self._suites.get(number) is suite:
                del self._suites[number]

        return remove

    def use_ring(self, ring: KeyRing) -> Callable[[], None]:
        """Take the keys from this ring.

        Returns:
            A function that takes the ring out again.

        Raises:
            CompositionError: if a ring is in use already.
        """
        if self._ring is not None:
            raise CompositionError(
                f"two key rings: {type(self._ring).__qualname__} and {type(ring).__qualname__}; "
                'set replaces="service/key_file" on one, or block one'
            )
        self._ring, self._count = ring, ring.count if isinstance(ring, KeyCounter) else None

        def remove() -> None:
            if self._ring is ring:
                self._ring = self._count = None

        return remove

    def operation(self, name: str, target: str, *, actor: str | None = None) -> Operation:
        """Return a block of code that is recorded in the audit log: every use of a key, a password or a token is one.

        Args:
            name: What is done, a verb in lower_snake: ``verify_password``.
            target: What it is about: a purpose and a path; never a value.
            actor: Who asks, e.g. ``http:127.0.0.1``; default: what `acting_as` says, or who started the program.
        """
        return Operation(self.recording, name, target, actor)

    def suites(self) -> Mapping[int, str]:
        """Return the loaded ciphers: suite number to provider name, by number."""
        return {number: suite.name for number, suite in sorted(self._suites.items())}

    def max_messages(self, suite: int) -> int | None:
        """Return how many messages one key of a cipher may seal; None where the cipher is not loaded."""
        found = self._suites.get(suite)
        return None if found is None else found.backend.max_messages

    @property
    def can_seal(self) -> bool:
        """True where there is a key to seal with, and its cipher. Says nothing in the audit log."""
        try:
            return self._require_ring().primary().suite in self._suites
        except KeyRingError:
            return False

    async def seal(self, data: bytes, *, purpose: str, path: Path = (), type: str = "bytes") -> str:  # noqa: A002 - the word
        """Encrypt a value under the primary key.

        Args:
            data: The value, at most 65,536 bytes.
            purpose: What it is used for; opening must name the same.
            path: Where it stands; opening must name the same.
            type: The type of the value that the bytes stand for.

        Returns:
            The envelope, ``trivet:1:...``: ASCII letters, digits, ``-``, ``_`` and ``:``. Different at every call.

        Raises:
            KeyRingError: if there is no key to seal with, or it has sealed as much as its cipher allows.
            SealError: if the value is too long, or the key's cipher is not there.
        """
        place, target = bind(purpose, self._name, path, type)
        async with self.operation("seal", target) as operation:
            if len(data) > MAX_DATA_BYTES:
                raise SealError(f"a sealed value holds at most {MAX_DATA_BYTES} bytes, got {len(data)}")
            key, suite = self._sealing_key(operation)
            return await suite.seal(key, place, data)

    def _sealing_key(self, operation: Operation) -> tuple[Key, Suite]:
        key = self._require_ring().primary()
        operation.key_id = key.id
        suite = self._require_suites().get(key.suite)
        if suite is None:
            raise SealError(self._no_suite(key.id, key.suite))
        if self._count is not None:
            self._count(key, suite.backend.max_messages)
        return key, suite

    async def open(self, text: str, *, purpose: str, path: Path = (), type: str = "bytes") -> bytes:  # noqa: A002 - the word
        """Decrypt what `seal` gave.

        Args:
            text: The envelope.
            purpose: As at sealing.
            path: As at sealing.
            type: As at sealing.

        Returns:
            The value.

        Raises:
            SealError: with one and the same text whether the envelope is damaged, the key or the place another one.
            KeyRingError: if the ring itself cannot be used.
        """
        place, target = bind(purpose, self._name, path, type)
        async with self.operation("open", target) as operation:
            data = await self._open(text, place, operation)
            if data is None:
                # Raised here and not where the reason was found: no exception that knows more is chained to this one.
                raise SealError(_DOES_NOT_OPEN)
            return data

    async def _open(self, text: str, place: bytes, operation: Operation) -> bytes | None:
        self._require_ring()
        self._require_suites()
        try:
            envelope = Envelope.decode(text)
        except EnvelopeError:
            operation.reason = "malformed"
            return None
        found = self._opening_key(envelope.key_id, envelope.suite, operation)
        if found is None:
            return None
        key, suite = found
        data = await suite.open(key, place, envelope)
        operation.reason = "not_authentic" if data is None else None
        return data

    def _opening_key(self, key_id: int, number: int, operation: Operation) -> tuple[Key, Suite] | None:
        operation.key_id = key_id
        key, suite = self._require_ring().find(key_id), self._require_suites().get(number)
        if key is None or suite is None or key.suite != number:
            operation.reason = "unknown_key" if key is None else "unknown_suite"
            return None
        return key, suite

    async def seal_config(self, value: str, *, path: Path) -> str:
        """Seal a configuration value for the place where it will stand: `seal` with purpose ``config``, type ``str``."""
        return await self.seal(value.encode(), purpose="config", path=path, type="str")

    async def open_config(self, text: str, *, path: Path) -> str:
        """Open a configuration value that stands at ``path``: `open` with purpose ``config``, type ``str``."""
        data = await self.open(text, purpose="config", path=path, type="str")
        with contextlib.suppress(UnicodeDecodeError):  # it holds the plaintext: nothing may be chained to it
            return data.decode()
        raise SealError(_DOES_NOT_OPEN)

    def _require_ring(self) -> KeyRing:
        if self._ring is None:
            raise KeyRingError("there is no key ring; load the plugin key_file (service/key_file) or another with keys")
        return self._ring

    def _require_suites(self) -> dict[int, Suite]:
        if not self._suites:
            raise SealError("there is no cipher; load the plugin aes_gcm (cipher/aes_256_gcm) or another with a cipher")
        return self._suites

    def _no_suite(self, key_id: int, number: int) -> str:
        loaded = ", ".join(f"{number} ({name})" for number, name in self.suites().items())
        return (
            f"key {key_id:016x} is for cipher suite {number}, and the loaded ones are {loaded}; "
            "load the plugin of that suite, or make a key for one of these"
        )
