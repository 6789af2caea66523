"""What every `KeySource` promises."""

from __future__ import annotations

import traceback
from typing import Final

import anyio
import attrs
import pytest

from trivet.ciphers.contracts import KeySource
from trivet.ciphers.keys import MASTER_KEY_BYTES, Passphrase
from trivet.errors import KeyRingError
from trivet.testing.suites.suite import ANSWER_LIMIT, Suite, override

NONSENSE: Final = ("no-such-key-of-the-suite", " ", "\0", "../../..", "ü" * 1000)


@attrs.frozen(eq=False, kw_only=True)
class KeySourceCase:
    """A source and a key that it has.

    Args:
        source: The source.
        name: The key's name: what a setting says after the colon.
        secret: What it gives; of a passphrase, its text.
        nonsense: Names that it has no keys for.
    """

    source: KeySource
    name: str
    secret: bytes | str = attrs.field(repr=False)
    nonsense: tuple[str, ...] = NONSENSE

    async def load(self, name: str) -> bytes | Passphrase:
        """Load a key within the suite's limit."""
        with anyio.fail_after(ANSWER_LIMIT):
            return await self.source.load(name)


class KeySourceSuite(Suite):
    """The promises of a source of master keys. Override `case`."""

    @pytest.fixture
    def case(self) -> KeySourceCase:
        """Return a source with the name of a key that it has."""
        override("case")

    def test_it_has_the_shape_of_its_contract(self, case: KeySourceCase) -> None:
        """It loads keys by name."""
        assert isinstance(case.source, KeySource)

    async def test_it_gives_the_key(self, case: KeySourceCase) -> None:
        """At least 32 bytes, or a passphrase; the same again and again, for a kernel may start again."""
        for _ in range(3):
            found = await case.load(case.name)
            assert (found.reveal() if isinstance(found, Passphrase) else found) == case.secret
            assert isinstance(found, Passphrase) or len(found) >= MASTER_KEY_BYTES

    async def test_it_serves_many_at_once(self, case: KeySourceCase) -> None:
        """A service may ask for the present key and former ones together."""
        found: list[object] = []

        async def load() -> None:
            one = await case.load(case.name)
            found.append(one.reveal() if isinstance(one, Passphrase) else one)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(load)
        assert found == [case.secret] * 5

    async def test_a_key_that_is_not_there_is_a_key_ring_error(self, case: KeySourceCase) -> None:
        """For every name that it has no key for; it says something, and nothing of a key that it has."""
        await case.load(case.name)
        for name in case.nonsense:
            with pytest.raises(KeyRingError) as refusal:
                await case.load(name)
            shown = traceback.TracebackException.from_exception(refusal.value, capture_locals=True)
            text = "".join(shown.format_exception_only())
            assert text.strip()
            secret = case.secret if isinstance(case.secret, str) else case.secret.hex()
            assert secret not in text

    async def test_it_shows_no_key(self, case: KeySourceCase) -> None:
        """Its repr is free of keys, before and after one was loaded."""
        for _ in range(2):
            assert repr(case.secret) not in repr(case.source)
            await case.load(case.name)
