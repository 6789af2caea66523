"""`Tiers`: packed history, the finest of the last hour, coarser before; and the budget that all of it stays within."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.monitoring.history.generation import Generation, folded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from trivet_plugins.monitoring.history.breath import Breath

    OnDropped = Callable[[Generation, bool, Breath], Awaitable[None]]

FOLDED_SAMPLES: Final = 90
"""Samples of a generation that is made by folding: few generations, and few bytes each."""


@attrs.frozen
class Tier:
    """How fine and how long history is kept.

    Args:
        step: Seconds that a sample stands for; 0: every tick is one.
        keep: Seconds.
    """

    step: float
    keep: float


class Tiers:
    """Generations by tier, the finest first.

    Args:
        tiers: The finest first.
        budget: Bytes.
        dropped: Told about every generation that is no more, and whether that was for want of room; may take breath.
    """

    def __init__(self, tiers: Iterable[Tier], budget: int, dropped: OnDropped) -> None:
        self._tiers: Final = tuple(tiers)
        self._levels: list[list[Generation]] = [[] for _ in self._tiers]
        self._budget: Final = budget
        self._dropped = dropped

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one.size for level in self._levels for one in level)

    def all(self) -> tuple[Generation, ...]:
        """Return all generations, in the order of their times."""
        return tuple(one for level in reversed(self._levels) for one in level)

    def add(self, made: Generation) -> bool:
        """Add the newest generation, or one that was read back; return whether there is a tier for it."""
        for tier, level in zip(self._tiers, self._levels, strict=True):
            if tier.step >= made.step:
                level.append(made)
                return True
        return False

    async def tidy(self, published: Callable[[], None], breath: Breath) -> None:
        """Fold and drop what is older than its tier keeps.

        Args:
            published: Called after every step, at which `all` is whole.
            breath: Taken between series.
        """
        for number, level in enumerate(self._levels[:-1]):
            coarse = self._tiers[number + 1]
            keep = self._tiers[number].keep
            while some := _due(level, keep, min(keep, coarse.step * FOLDED_SAMPLES)):
                made = await folded(some, coarse.step, breath)
                del level[: len(some)]
                self._levels[number + 1].append(made)
                published()
                for one in some:
                    await self._dropped(one, False, breath)  # noqa: FBT003 - as declared
        last, keep = self._levels[-1], self._tiers[-1].keep
        while last and last[-1].times[-1] - last[0].times[-1] > keep:
            await self._drop(last, published, breath, scarce=False)

    async def shrink(self, others: int, published: Callable[[], None], breath: Breath) -> None:
        """Drop the oldest generations until all is within the budget.

        Args:
            others: Bytes that are taken besides.
            published: Called after every step, at which `all` is whole.
            breath: Taken between series.
        """
        while self.size + others > self._budget:
            level = next((level for level in reversed(self._levels) if level), None)
            if level is None:
                return
            await self._drop(level, published, breath, scarce=True)

    async def _drop(
        self, level: list[Generation], published: Callable[[], None], breath: Breath, *, scarce: bool
    ) -> None:
        oldest = level.pop(0)
        published()
        await self._dropped(oldest, scarce, breath)


def _due(level: list[Generation], keep: float, span: float) -> list[Generation]:
    """Return the oldest generations that are to be folded: as many as make one of full length, once all are old enough."""
    if not level or level[-1].times[-1] - level[0].times[0] < keep + span:
        return []
    end = level[0].times[0] + span
    oldest = [one for one in level[:-1] if one.times[-1] <= end and level[-1].times[-1] - one.times[-1] >= keep]
    return oldest or level[:1]
