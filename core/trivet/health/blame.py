"""Root causes: which of the failing checks are to blame, by what depends on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from trivet.health.result import Result


def root_causes(name: str, results: Mapping[str, Result]) -> tuple[str, ...]:
    """Return the checks that make one fail: those below it that fail while nothing below them does, sorted.

    Args:
        name: A check that is not well.
        results: All results, by name. A dependency that is not there is to blame for nothing.

    Returns:
        Empty where the check has itself to blame.
    """
    return tuple(sorted(set(_causes(name, results))))


def _causes(name: str, results: Mapping[str, Result]) -> Iterator[str]:
    for other in results[name].plan.depends_on & results.keys():
        if results[other].failing:
            yield from root_causes(other, results) or (other,)


def circle(name: str, depends_on: Collection[str], known: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the way from a check through its dependencies back to it, or an empty tuple where there is none.

    Args:
        name: The check to add.
        depends_on: What it depends on.
        known: Those that are there, with what they depend on.
    """
    ways: list[tuple[str, ...]] = [(name, other) for other in sorted(depends_on)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == name:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [(*way, other) for other in sorted(known.get(way[-1], ()))]
    return ()
