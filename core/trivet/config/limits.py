"""`Limits`: how large configuration may be. Without them a few lines of YAML aliases fill the memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from trivet.config.contracts import FormatError


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds of one document, and of how documents hang together.

    Args:
        file_bytes: Size of a file, in bytes.
        depth: Nested containers.
        nodes: Containers and scalars, those behind aliases counted wherever they are used.
        includes: Files that include each other, one from the next.
    """

    file_bytes: int = 5 * 2**20
    depth: int = 64
    nodes: int = 500_000
    includes: int = 10

    @property
    def too_deep(self) -> str:
        """What is said of a document that is nested too deep."""
        return f"nested too deep: at most {self.depth} containers in each other"

    def check(self, data: Mapping[str, object]) -> None:
        """Walk a document.

        Raises:
            FormatError: if it is too deep or has too many nodes.
        """
        level: list[Collection[object]] = [data.values()]
        nodes, depth = 0, 0
        while level:
            depth += 1
            if depth > self.depth:
                raise FormatError(self.too_deep)
            below: list[Collection[object]] = []
            for children in level:
                nodes += len(children)
                if nodes > self.nodes:
                    raise FormatError(f"more than {self.nodes:,} values (those behind aliases counted each time)")
                below += [
                    one.values() if isinstance(one, dict) else one for one in children if isinstance(one, (dict, list))
                ]
            level = below


LIMITS = Limits()
"""The limits in force."""
