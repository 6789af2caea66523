"""`Suite`: one cipher backend at work in envelopes: message keys, the fixed nonce, the limit on remote answers."""

from __future__ import annotations

import hmac
import inspect
import math
import secrets
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from trivet.ciphers.envelope import MAX_DATA_BYTES, MAX_TAG_BYTES, NONCE_BYTES, derive, header, text_form
from trivet.ciphers.subkey import KEY_BYTES
from trivet.errors import CompositionError, SealError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from trivet.ciphers.contracts import CipherBackend, Key
    from trivet.ciphers.envelope import Envelope

ANSWER_LIMIT: Final = 10.0
"""Seconds that a remote cipher may take for one value."""

_MAX_SUITE: Final = 0xFFFF
_MIN_KEY_BYTES: Final = 16
_MIN_TAG_BYTES: Final = 16
_UNBOUNDED: Final = math.inf


@attrs.frozen(eq=False)
class Suite:
    """A cipher backend and how envelopes use it; see `trivet.ciphers.envelope` for the why.

    Args:
        name: The name of its provider.
        backend: The cipher.
    """

    name: str
    backend: CipherBackend
    _nonce: bytes = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_nonce", bytes(self.backend.nonce_bytes))

    @classmethod
    def of(cls, name: str, backend: CipherBackend) -> Suite:
        """Make a suite of a backend.

        Raises:
            CompositionError: if its sizes do not fit the envelope.
        """
        for attribute, low, high in (
            ("suite", 1, _MAX_SUITE),
            ("key_bytes", _MIN_KEY_BYTES, KEY_BYTES),
            ("tag_bytes", _MIN_TAG_BYTES, MAX_TAG_BYTES),
            ("max_messages", 1, _UNBOUNDED),
            ("max_bytes", MAX_DATA_BYTES, _UNBOUNDED),
        ):
            if not low <= getattr(backend, attribute) <= high:
                allowed = f"at least {low}" if high is _UNBOUNDED else f"{low} to {high}"
                raise CompositionError(
                    f"cipher {name}: {attribute} must be {allowed}, is {getattr(backend, attribute)}"
                )
        return cls(name, backend)

    async def seal(self, key: Key, place: bytes, data: bytes) -> str:
        """Encrypt under a fresh message key; return the envelope's text form.

        Args:
            key: The data key.
            place: What `Binding.encode` gives.
            data: The plaintext.

        Raises:
            KeyRingError: if the data key is too short.
            SealError: if a remote cipher does not answer, or the cipher gives what cannot be right.
        """
        head, nonce = header(key.suite, key.id), secrets.token_bytes(NONCE_BYTES)
        message_key, commitment = derive(key, head, nonce)
        answer = self.backend.seal(message_key[: self.backend.key_bytes], self._nonce, head + place, data)
        sealed = answer if isinstance(answer, bytes) else await self._await(answer)
        return text_form(head, commitment, nonce, self.whole(sealed, data))

    async def open(self, key: Key, place: bytes, envelope: Envelope) -> bytes | None:
        """Decrypt; None where key, place and envelope do not belong together.

        Raises:
            KeyRingError: if the data key is too short.
            SealError: if a remote cipher does not answer.
        """
        cipher, head = self.backend, envelope.header
        message_key, commitment = derive(key, head, envelope.nonce)
        if not hmac.compare_digest(commitment, envelope.commitment) or len(envelope.sealed) < cipher.tag_bytes:
            return None
        try:
            answer = cipher.open(message_key[: cipher.key_bytes], self._nonce, head + place, envelope.sealed)
            return answer if isinstance(answer, bytes) else await self._await(answer)
        except SealError:
            raise
        except ValueError:  # the contract's word for "does not fit"
            return None

    def whole(self, sealed: bytes, data: bytes) -> bytes:
        """Return what `CipherBackend.seal` gave for some data.

        Raises:
            SealError: if it is too short or too long to be that.
        """
        if len(sealed) != len(data) + self.backend.tag_bytes:
            raise SealError(f"cipher {self.name} breaks its contract: {len(sealed)} bytes for {len(data)}")
        return sealed

    def here(self, answer: bytes | Awaitable[bytes]) -> bytes:
        """Return an answer that is there at once.

        Raises:
            SealError: if it is one to wait for.
        """
        if isinstance(answer, bytes):
            return answer
        if inspect.iscoroutine(answer):
            answer.close()
        raise SealError(
            f"cipher {self.name} is none for streams: it works elsewhere; seal values of up to 64 KiB with it"
        )

    async def _await(self, answer: Awaitable[bytes]) -> bytes:
        with anyio.move_on_after(ANSWER_LIMIT):
            return await answer
        raise SealError(f"cipher {self.name} gave no answer within {ANSWER_LIMIT:g} s; look at the service behind it")
