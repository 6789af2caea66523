"""What every `Resolver` promises."""

from __future__ import annotations

import re
import traceback
from typing import Final

import anyio
import attrs
import pytest

from trivet.config.contracts import ResolveContext, Resolved, Resolver
from trivet.config.origin import Path
from trivet.testing.suites.suite import ANSWER_LIMIT, Suite, override

NONSENSE: Final = ("", " ", "no-such-thing-of-the-suite", "\0", "../../..", "ü" * 1000)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9_+.-]*\Z")


@attrs.frozen(eq=False, kw_only=True)
class ResolverCase:
    """A reference and what must come of it.

    Args:
        resolver: The resolver.
        argument: The text behind ``scheme:``.
        value: What it stands for, long enough to be recognised.
        secret: True where the value must be masked.
        kernel: The kernel's name.
        path: Where the reference stands.
    """

    resolver: Resolver
    argument: str
    value: object = attrs.field(repr=False)
    secret: bool = False
    kernel: str = "suite"
    path: Path = ("suite", "value")

    async def resolve(self, argument: str) -> Resolved:
        """Resolve a text at the place of the case."""
        with anyio.fail_after(ANSWER_LIMIT):
            return await self.resolver.resolve(argument, ResolveContext(kernel=self.kernel, path=self.path))


class ResolverSuite(Suite):
    """The promises of a resolver. Override `case`."""

    @pytest.fixture
    def case(self) -> ResolverCase:
        """Return a resolver with a reference that it can resolve."""
        override("case")

    def test_it_has_the_shape_of_its_contract(self, case: ResolverCase) -> None:
        """Its scheme is lower case and holds no colon."""
        assert isinstance(case.resolver, Resolver)
        assert _SCHEME.match(case.resolver.scheme)
        assert isinstance(case.resolver.bare, bool)

    async def test_it_gives_the_value(self, case: ResolverCase) -> None:
        """The reference resolves to its value, again and again, and says whether that is a secret."""
        for _ in range(3):
            resolved = await case.resolve(case.argument)
            assert isinstance(resolved, Resolved)
            assert resolved.value == case.value
            assert resolved.secret is case.secret

    async def test_it_serves_many_at_once(self, case: ResolverCase) -> None:
        """References are resolved in parallel."""
        values: list[object] = []

        async def resolve() -> None:
            values.append((await case.resolve(case.argument)).value)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(resolve)
        assert values == [case.value] * 10

    @pytest.mark.parametrize("argument", NONSENSE, ids=range(len(NONSENSE)))
    async def test_nonsense_is_a_value_error(self, case: ResolverCase, argument: str) -> None:
        """What it cannot resolve is a `ValueError` with a text that can be printed."""
        with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the contract's word, whatever its text
            await case.resolve(argument)
        assert str(refusal.value).strip()

    async def test_a_damaged_reference_tells_no_secret(self, case: ResolverCase) -> None:
        """Cut short, its error and what is chained to it hold nothing of the value."""
        shown = ""
        try:
            await case.resolve(case.argument[:-1])
        except ValueError as exc:
            shown = "".join(traceback.format_exception(exc, limit=0))
        assert str(case.value) not in shown
