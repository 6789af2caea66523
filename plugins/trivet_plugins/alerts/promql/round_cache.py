"""`RoundCache`: what the queries of one evaluator have in common, found out once."""

from __future__ import annotations


class RoundCache:
    """Shared by queries that one thread asks one after the other, of one storage; kept from round to round.

    Within a round, which is one time, equal parts of queries are answered once: nothing may be added to the storage that
    these parts read at that time, or `invalidate` is called. Over rounds it remembers how series are grouped and matched.
    """

    def invalidate(self) -> None:
        """Forget the answers of this round: series have got samples at its time."""
