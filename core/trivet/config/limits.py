"""`Limits`: how large configuration may be. Without them a few lines of YAML aliases fill the memory."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trivet.config.contracts import FormatError


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds of one document.

    Args:
        file_bytes: Size of a file, in bytes.
        depth: Nested containers.
        nodes: Containers and scalars, those behind aliases counted wherever they are used.
    """

    file_bytes: int = 5 * 2**20
    depth: int = 64
    nodes: int = 500_000

    def check(self, data: Mapping[str, object]) -> None:
        """Walk a document.

        Raises:
            FormatError: if it is too deep or has too many nodes.
        """
        level: list[object] = [data]
        nodes, depth = 0, 0
        while level:
            depth += 1
            if depth > self.depth + 1:
                raise FormatError(f"nested too deep: at most {self.depth} containers")
            below: list[object] = []
            for container in level:
                children = container.values() if isinstance(container, Mapping) else container
                nodes += len(children)  # type: ignore[arg-type]  # only mappings and lists are put into a level
                if nodes > self.nodes:
                    raise FormatError(f"more than {self.nodes:,} values (those behind aliases counted each time)")
                below += [child for child in children if isinstance(child, (dict, list))]  # type: ignore[union-attr]  # as above
            level = below


LIMITS = Limits()
"""The limits in force."""
