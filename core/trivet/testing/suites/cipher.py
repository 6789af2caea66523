"""What every `CipherBackend` promises."""

from __future__ import annotations

import secrets
import traceback
from typing import Final

import anyio
import pytest

from trivet.ciphers.contracts import CipherBackend
from trivet.testing.suites.suite import Suite, answer, override

AAD: Final = b"purpose, path and type"
DATA: Final = b"the plain text of the suite, longer than one block of any cipher"
LENGTHS: Final = (0, 1, 15, 16, 17, 255, 65_536)


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class CipherBackendSuite(Suite):
    """The promises of an authenticated cipher. Override `cipher`."""

    @pytest.fixture
    def cipher(self) -> CipherBackend:
        """Return the cipher."""
        override("cipher")

    @pytest.fixture
    def key(self, cipher: CipherBackend) -> bytes:
        """Return a fresh key."""
        return secrets.token_bytes(cipher.key_bytes)

    @pytest.fixture
    def nonce(self, cipher: CipherBackend) -> bytes:
        """Return a fresh nonce."""
        return secrets.token_bytes(cipher.nonce_bytes)

    async def _refuses(self, cipher: CipherBackend, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> None:
        with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the contract's word, whatever its text
            await answer(cipher.open(key, nonce, aad, sealed))
        shown = "".join(traceback.format_exception(refusal.value, limit=0))
        assert DATA.decode() not in shown
        assert not key or (key.hex() not in shown and repr(key) not in shown)

    def test_it_has_the_shape_of_its_contract(self, cipher: CipherBackend) -> None:
        """It states its sizes, and they fit an envelope: key 16 to 32 bytes, tag 16 to 32, messages of 64 KiB."""
        assert isinstance(cipher, CipherBackend)
        assert 16 <= cipher.key_bytes <= 32
        assert cipher.nonce_bytes >= 0
        assert 16 <= cipher.tag_bytes <= 32
        assert cipher.max_messages > 0
        assert cipher.max_bytes >= 65_536
        assert isinstance(cipher.committing, bool)

    def test_its_suite_number_is_a_known_one_or_a_third_party_s(self, cipher: CipherBackend) -> None:
        """1 to 4 are trivet's suites, 0xE000 to 0xFFFF third parties'; the numbers between are reserved."""
        assert cipher.suite in (1, 2, 3, 4) or 0xE000 <= cipher.suite <= 0xFFFF

    @pytest.mark.parametrize("length", LENGTHS)
    async def test_what_it_seals_it_opens(self, cipher: CipherBackend, key: bytes, nonce: bytes, length: int) -> None:
        """A value of any length comes back whole, and grows by the tag alone."""
        data = secrets.token_bytes(length)
        sealed = await answer(cipher.seal(key, nonce, AAD, data))
        assert isinstance(sealed, bytes)
        assert len(sealed) == length + cipher.tag_bytes
        assert await answer(cipher.open(key, nonce, AAD, sealed)) == data

    async def test_it_hides_what_it_seals(self, cipher: CipherBackend, key: bytes, nonce: bytes) -> None:
        """No eight bytes of the plain text stand in the sealed one."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        assert [part for i in range(len(DATA) - 7) if (part := DATA[i : i + 8]) in sealed] == []

    async def test_every_changed_bit_is_detected(self, cipher: CipherBackend, key: bytes, nonce: bytes) -> None:
        """A sealed value with any one bit changed, in the cipher text or in the tag, does not open."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA[:20]))
        for bit in range(len(sealed) * 8):
            await self._refuses(cipher, key, nonce, AAD, _flipped(sealed, bit))

    async def test_every_changed_length_is_detected(self, cipher: CipherBackend, key: bytes, nonce: bytes) -> None:
        """A sealed value that is cut anywhere, or longer, does not open."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        for length in range(len(sealed)):
            await self._refuses(cipher, key, nonce, AAD, sealed[:length])
        await self._refuses(cipher, key, nonce, AAD, sealed + b"\0")

    async def test_it_opens_only_under_the_same_key(self, cipher: CipherBackend, key: bytes, nonce: bytes) -> None:
        """Another key, even one bit away, does not open."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        for bit in range(cipher.key_bytes * 8):
            await self._refuses(cipher, _flipped(key, bit), nonce, AAD, sealed)

    async def test_it_opens_only_with_the_same_nonce(self, cipher: CipherBackend, key: bytes, nonce: bytes) -> None:
        """Another nonce, even one bit away, does not open."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        for bit in range(cipher.nonce_bytes * 8):
            await self._refuses(cipher, key, _flipped(nonce, bit), AAD, sealed)

    async def test_it_opens_only_with_the_same_associated_data(
        self, cipher: CipherBackend, key: bytes, nonce: bytes
    ) -> None:
        """What stands beside the value is authenticated too: changed, shorter, longer or none, it does not open."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        for aad in (_flipped(AAD, 0), AAD[:-1], AAD + b"\0", b""):
            await self._refuses(cipher, key, nonce, aad, sealed)

    async def test_associated_data_and_value_are_told_apart(
        self, cipher: CipherBackend, key: bytes, nonce: bytes
    ) -> None:
        """A byte cannot move from the associated data into the value."""
        sealed = await answer(cipher.seal(key, nonce, b"ab", b""))
        await self._refuses(cipher, key, nonce, b"a", b"b" + sealed)
        await self._refuses(cipher, key, nonce, b"", sealed)

    async def test_every_nonce_and_key_gives_another_text(
        self, cipher: CipherBackend, key: bytes, nonce: bytes
    ) -> None:
        """The same value under fresh nonces, and under fresh keys, never looks the same, not even in its first bytes."""
        if cipher.nonce_bytes:
            nonces = [_flipped(nonce, bit) for bit in range(cipher.nonce_bytes * 8)]
            assert len({(await answer(cipher.seal(key, one, AAD, DATA)))[:16] for one in nonces}) == len(nonces)
        keys = [_flipped(key, bit) for bit in range(cipher.key_bytes * 8)]
        assert len({(await answer(cipher.seal(one, nonce, AAD, DATA)))[:16] for one in keys}) == len(keys)

    async def test_key_and_nonce_of_a_wrong_length_are_refused(
        self, cipher: CipherBackend, key: bytes, nonce: bytes
    ) -> None:
        """Opening with a key or nonce that is cut or longer is a `ValueError` like every other misfit."""
        sealed = await answer(cipher.seal(key, nonce, AAD, DATA))
        for other in (b"", key[:-1], key + b"\0"):
            await self._refuses(cipher, other, nonce, AAD, sealed)
        if cipher.nonce_bytes:
            for other in (b"", nonce[:-1], nonce + b"\0"):
                await self._refuses(cipher, key, other, AAD, sealed)

    async def test_it_serves_many_at_once(self, cipher: CipherBackend) -> None:
        """Tasks that seal and open at the same time under keys of their own do not meet."""

        async def use(number: int) -> None:
            key, nonce = secrets.token_bytes(cipher.key_bytes), secrets.token_bytes(cipher.nonce_bytes)
            data = b"%d" % number * 100
            sealed = await answer(cipher.seal(key, nonce, AAD, data))
            await anyio.lowlevel.checkpoint()
            assert await answer(cipher.open(key, nonce, AAD, sealed)) == data

        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(use, number)
