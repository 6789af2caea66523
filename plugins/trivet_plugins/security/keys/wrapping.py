"""`Wrap`: how the data keys of a key file stand under a master key.

==============  ====================================================================================
what            how
==============  ====================================================================================
input           the master key; of a passphrase, Argon2id (RFC 9106) with the file's salt and cost, 32 bytes
derived         HKDF-SHA256 (RFC 5869), salt as in the file, info ``trivet/ring/v2``: 72 bytes
bytes 0 to 31   wrapping key: AES-256-GCM, a random 96-bit nonce per key and write, the key's id, suite and date as
                associated data
bytes 32 to 63  MAC key: HMAC-SHA256 over the whole file
bytes 64 to 71  check value, in the file: tells another master key from a file that was changed
==============  ====================================================================================
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final, Self

import attrs

from trivet import Argon2Cost, Passphrase
from trivet.ciphers import base64url

SALT_BYTES: Final = 32
_KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_INFO: Final = b"trivet/ring/v2"
_COST: Final = ("memory", "passes", "lanes")


@attrs.frozen
class Header:
    """What the file says of its wrapping.

    Args:
        salt: `SALT_BYTES` random bytes, other ones after each rewrapping.
        check: Tells whether a master key is the right one.
        cost: Of Argon2id; None where the master key is no passphrase.
    """

    salt: bytes
    check: bytes
    cost: Argon2Cost | None

    @classmethod
    def of(cls, entry: object) -> Header:
        """Read it; `ValueError` says what is wrong."""
        if not isinstance(entry, dict) or entry.keys() != {"salt", "check", "argon2id"}:
            raise ValueError("wrapping must be an object of argon2id, check, salt, or null")
        salt, check = binary(entry["salt"], SALT_BYTES), binary(entry["check"], _CHECK_BYTES)
        return cls(salt, check, None if entry["argon2id"] is None else _cost(entry["argon2id"]))

    def entry(self) -> dict[str, object]:
        """Return what stands in the file."""
        cost = None if self.cost is None else {name: getattr(self.cost, name) for name in _COST}
        return {"salt": base64url.encode(self.salt), "check": base64url.encode(self.check), "argon2id": cost}

    def __str__(self) -> str:
        return "a master key" if self.cost is None else f"a passphrase (Argon2id, {self.cost})"


def binary(value: object, length: int) -> bytes:
    """Return the bytes of a base64url text.

    Raises:
        ValueError: if it is none of that length; never with its text.
    """
    if isinstance(value, str) and len(value) <= length * 2:
        try:
            raw = base64url.decode(value)
        except ValueError:
            raw = b""
        if len(raw) == length:
            return raw
    raise ValueError(f"not the base64url of {length} bytes")


def _cost(entry: object) -> Argon2Cost:
    if not isinstance(entry, dict) or entry.keys() != set(_COST) or any(type(one) is not int for one in entry.values()):
        raise ValueError("argon2id must be an object of the numbers memory, passes, lanes, or null")
    cost = Argon2Cost(**entry)
    if cost.memory < 8 * cost.lanes:
        raise ValueError("argon2id needs 8 KiB of memory per lane")
    return cost


def _stretch(passphrase: Passphrase, salt: bytes, cost: Argon2Cost) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        passphrase.reveal().encode(),
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory,
        parallelism=cost.lanes,
        hash_len=_KEY_BYTES,
        type=Type.ID,
    )


@attrs.frozen(eq=False)
class Wrap:
    """A master key at work on one file.

    Args:
        header: What the file says of it.
        key: The wrapping key.
        mac_key: The MAC key.
    """

    header: Header
    key: bytes = attrs.field(repr=False)
    mac_key: bytes = attrs.field(repr=False)

    @classmethod
    def fresh(cls, master: bytes | Passphrase, cost: Argon2Cost) -> Wrap:
        """Begin a file, or wrap one anew.

        Args:
            master: The master key.
            cost: Of Argon2id, where it is a passphrase.
        """
        salt = secrets.token_bytes(SALT_BYTES)
        return cls._derived(master, salt, cost if isinstance(master, Passphrase) else None)

    @classmethod
    def unlock(cls, header: Header, master: bytes | Passphrase) -> Self | None:
        """Return the wrap of a file, or None where this is not its master key.

        Of a passphrase it takes what the header's cost says: compare that with a bound first.
        """
        if isinstance(master, Passphrase) != (header.cost is not None):
            return None
        made = cls._derived(master, header.salt, header.cost)
        return made if hmac.compare_digest(made.header.check, header.check) else None

    @classmethod
    def _derived(cls, master: bytes | Passphrase, salt: bytes, cost: Argon2Cost | None) -> Self:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        if isinstance(master, Passphrase):
            if cost is None:
                raise TypeError("a passphrase needs the cost of stretching it")
            master = _stretch(master, salt, cost)
        length = 2 * _KEY_BYTES + _CHECK_BYTES
        okm = HKDF(algorithm=SHA256(), length=length, salt=salt, info=_INFO).derive(master)
        return cls(Header(salt, okm[2 * _KEY_BYTES :], cost), okm[:_KEY_BYTES], okm[_KEY_BYTES : 2 * _KEY_BYTES])

    def wrap(self, material: bytes, place: bytes) -> str:
        """Encrypt a data key for its entry in the file."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return base64url.encode(nonce + AESGCM(self.key).encrypt(nonce, material, place))

    def unwrap(self, text: object, place: bytes) -> bytes:
        """Decrypt a data key.

        Raises:
            ValueError: if anything does not fit.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = binary(text, _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES)
        try:
            return AESGCM(self.key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place)
        except InvalidTag:
            raise ValueError("is damaged or belongs to another entry") from None
