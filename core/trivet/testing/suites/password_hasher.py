"""What every `PasswordHasher` promises."""

from __future__ import annotations

import re
import time
import traceback
from typing import Final

import anyio
import anyio.lowlevel
import pytest

from trivet.ciphers.contracts import PasswordHasher
from trivet.testing.suites.suite import Suite, override

PASSWORD: Final = "correct horse battery staple of the suite"  # noqa: S105 - no secret
LONGEST: Final = 400
_PHC: Final = re.compile(r"\$([a-z0-9-]{1,32})\$[\x21-\x7e]+\Z")
_AT_ONCE: Final = 2.0
"""Seconds in which a refusal that does no work comes, also on a machine that is busy."""


class PasswordHasherSuite(Suite):
    """The promises of a password hash. Override `hasher`, and `excessive` too; parameters that are cheap do for both."""

    @pytest.fixture
    def hasher(self) -> PasswordHasher:
        """Return the hasher."""
        override("hasher")

    @pytest.fixture
    def excessive(self) -> list[str]:
        """Return well-formed hashes that ask for more than the bound, one for each parameter."""
        override("excessive")

    def test_it_has_the_shape_of_its_contract(self, hasher: PasswordHasher) -> None:
        """Its scheme is a PHC identifier."""
        assert isinstance(hasher, PasswordHasher)
        assert re.fullmatch(r"[a-z0-9-]{1,32}", hasher.scheme)

    async def test_a_hash_is_a_phc_string_of_its_scheme(self, hasher: PasswordHasher) -> None:
        """Printable ASCII, not longer than a database column for it; the password is not in it."""
        hashed = await hasher.hash(PASSWORD)
        match = _PHC.match(hashed)
        assert match is not None
        assert match[1] == hasher.scheme
        assert len(hashed) <= LONGEST
        assert PASSWORD not in hashed

    async def test_the_right_password_fits_and_no_other(self, hasher: PasswordHasher) -> None:
        """Not one that is cut, longer, of another case or empty."""
        hashed = await hasher.hash(PASSWORD)
        assert await hasher.verify(PASSWORD, hashed) is True
        for other in (PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "", hashed):
            assert await hasher.verify(other, hashed) is False

    async def test_the_whole_password_counts(self, hasher: PasswordHasher) -> None:
        """Behind 72 bytes, behind a NUL, beyond ASCII."""
        for prefix in ("x" * 72, "x" * 1023, "abc\0", "pässwörd \U0001f510"):
            hashed = await hasher.hash(f"{prefix}1")
            assert await hasher.verify(f"{prefix}1", hashed) is True
            assert await hasher.verify(f"{prefix}2", hashed) is False

    async def test_every_hash_has_a_salt_of_its_own(self, hasher: PasswordHasher) -> None:
        """The same password never gives the same hash, and every one of them verifies."""
        hashes = [await hasher.hash(PASSWORD) for _ in range(3)]
        assert len(set(hashes)) == len(hashes)
        assert [await hasher.verify(PASSWORD, hashed) for hashed in hashes] == [True] * len(hashes)

    async def test_a_fresh_hash_needs_no_rehash(self, hasher: PasswordHasher) -> None:
        """Else every log-in would store a new one."""
        assert hasher.needs_rehash(await hasher.hash(PASSWORD)) is False

    async def test_a_damaged_hash_never_fits(self, hasher: PasswordHasher) -> None:
        """Changed or cut anywhere, it is no hash any more or the password does not fit."""
        hashed = await hasher.hash(PASSWORD)
        places = range(len(hashed))
        changed = [hashed[:one] + ("A" if hashed[one] != "A" else "B") + hashed[one + 1 :] for one in places]
        for text in (*changed, *(hashed[:end] for end in places)):
            try:
                assert await hasher.verify(PASSWORD, text) is False
            except ValueError:
                continue

    async def test_what_is_no_hash_is_a_value_error(self, hasher: PasswordHasher) -> None:
        """Of another scheme or nonsense; the error holds neither the text nor the password."""
        hashed = await hasher.hash(PASSWORD)
        near = (hashed[: len(hashed) // 2], hashed + "\n", f"{hashed}$", f" {hashed}")
        for text in (*near, "", "x", "$", "\0", "$1$salt$hash", "ü" * 100, "$" * 100):
            with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the contract's word, whatever its text
                await hasher.verify(PASSWORD, text)
            shown = "".join(traceback.format_exception(refusal.value, limit=0))
            assert PASSWORD not in shown
            assert len(text) < 20 or text not in shown
            with pytest.raises(ValueError):  # noqa: PT011 - as above
                hasher.needs_rehash(text)

    async def test_what_asks_for_too_much_is_refused_before_any_work(
        self, hasher: PasswordHasher, excessive: list[str]
    ) -> None:
        """A row in a database cannot make the service compute for an hour or take all memory."""
        assert excessive
        for hashed in excessive:
            begun = time.monotonic()
            with pytest.raises(ValueError):  # noqa: PT011 - the contract's word, whatever its text
                await hasher.verify(PASSWORD, hashed)
            assert time.monotonic() - begun < _AT_ONCE

    async def test_the_event_loop_goes_on_meanwhile(self, hasher: PasswordHasher) -> None:
        """Other tasks run while a password is hashed."""
        turns, ended = 0, anyio.Event()

        async def count() -> None:
            nonlocal turns
            while not ended.is_set():
                await anyio.lowlevel.checkpoint()
                turns += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count)
            for _ in range(3):
                before = turns
                await hasher.hash(PASSWORD)
                assert turns > before
            ended.set()

    async def test_it_serves_many_at_once(self, hasher: PasswordHasher) -> None:
        """Passwords that are hashed at the same time do not meet."""

        async def use(number: int) -> None:
            hashed = await hasher.hash(f"password {number}")
            assert await hasher.verify(f"password {number}", hashed) is True
            assert await hasher.verify(f"password {number + 1}", hashed) is False

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(use, number)
