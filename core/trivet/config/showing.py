"""`Showing`: what `trivet.config.registry.Config` tells of its values, present and past, with all secrets masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from trivet.config import explanation
from trivet.config.effective import plain, showable
from trivet.config.export import Exporting
from trivet.config.leaf import Difference, compare
from trivet.config.origin import Path, parse_path
from trivet.config.redaction import Redaction
from trivet.secret import MASK

if TYPE_CHECKING:
    from trivet.config.candidate import Parts
    from trivet.config.snapshot import Snapshot
    from trivet.config.transaction import Transactions


class Showing(Exporting):
    """What can be told of one snapshot."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force: for code that needs sections that belong together.

        Raises:
            ConfigNotLoadedError: before the first load.
        """
        return self._store.in_force()

    def show(self) -> dict[str, Any]:
        """Return the effective configuration, defaults included, as plain data with all secrets masked.

        Any JSON can hold it: an infinity or NaN is the text ``inf`` or ``nan``.

        Raises:
            ConfigNotLoadedError: before the first load.
        """
        snapshot = self.snapshot
        result: dict[str, Any] = {}
        for name, section in snapshot.sections.items():
            path = tuple(name.split("."))
            at = result
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = plain(section, path, snapshot.secrets, lambda _path, _value: MASK)
        return cast("dict[str, Any]", showable(result))

    def explain(self, path: str | Path, *, at: int | None = None) -> explanation.Explanation:
        """Say where a value comes from and which places set it in vain.

        Args:
            path: Dotted, or as a tuple.
            at: A generation in the history; None: the one in force.

        Raises:
            ConfigNotLoadedError: before the first load.
            UnknownGenerationError: if the generation is not in the history.
            UnknownPathError: if nothing is there; names what looks like it.
        """
        if at is not None:
            return self.at(at).explain(path)
        snapshot, schema = self.snapshot, self._store.schema()
        return explanation.explain(
            parse_path(path) if isinstance(path, str) else path,
            effective=self.show(),
            layers=snapshot.layers,
            schema=schema,
            redaction=Redaction(schema, snapshot.secrets),
        )

    # -- the past -------------------------------------------------------------------------------------------------------------

    def history(self) -> tuple[Snapshot, ...]:
        """Return the last snapshots that were in force, the oldest first, the present one last.

        `trivet.config.history.HISTORY_SIZE` of them (20) are kept, in memory.
        """
        return tuple(self._store.history)

    def at(self, generation: int) -> Showing:
        """Return a view of a generation in the history: `show`, `explain`, `leaves` and `export` of that time.

        Raises:
            UnknownGenerationError: if it is not in the history.
        """
        return Past(self._parts, self._store, self._store.history.of(generation))

    def diff(self, before: int, after: int | None = None) -> tuple[Difference, ...]:
        """Return the values that two generations do not share, defaults included.

        Args:
            before: A generation in the history.
            after: Another one; None: the one in force.

        Returns:
            Path, and what each has there with its origin. Secrets are compared, and shown as ``***``.

        Raises:
            UnknownGenerationError: if one is not in the history.
        """
        later = self if after is None else self.at(after)
        return tuple(compare(self.at(before).leaves(), later.leaves()))


class Past(Showing):
    """A view of one snapshot in the history. Made by `Showing.at`."""

    def __init__(self, parts: Parts, store: Transactions, snapshot: Snapshot) -> None:
        self._parts = parts
        self._store = store
        self._snapshot = snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot."""
        return self._snapshot
