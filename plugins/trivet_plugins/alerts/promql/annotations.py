"""`Annotations`: what a query says besides its answer, with the places it speaks of."""

from __future__ import annotations

from trivet_plugins.alerts.promql.tokens import place_in


class Annotations:
    """Warnings and infos of one evaluation, each once.

    Args:
        text: The query.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[tuple[str, str, int], None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def warn(self, reason: str, start: int) -> None:
        """Say what may make the answer wrong.

        Args:
            reason: A sentence.
            start: The place in the query, in characters from 0.
        """
        self._found["warning", reason, start] = None

    def inform(self, reason: str, start: int) -> None:
        """Say what may not be meant: see `warn`."""
        self._found["info", reason, start] = None

    def all(self, kind: str) -> tuple[str, ...]:
        """Return all of a kind, ``warning`` or ``info``, as Prometheus writes them."""
        return tuple(
            f"PromQL {kind}: {reason} ({':'.join(map(str, place_in(self._text, start)))})"
            for found, reason, start in self._found
            if found == kind
        )
