"""Metrics as one JSON object: name to kind, help and series. For scripts that have no Prometheus parser."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any


class JsonMetrics:
    """A metric exporter; ``/metrics`` gives it to clients that ask for ``application/json``."""

    media_type = "application/json"

    def encode(self, families: Iterable[Any]) -> Iterator[bytes]:
        """Yield one family per chunk; kinds that it does not know are left out."""
        before = "{"
        for family in families:
            if family.kind not in ("counter", "gauge", "histogram"):
                continue
            series = [self._series(family, cell) for cell in family.cells()]
            body = {"kind": family.kind, "help": family.help, "series": series}
            yield f"{before}\n{json.dumps(family.name)}: {json.dumps(body)}".encode()
            before = ","
        yield b"\n}\n" if before == "," else b"{}\n"

    @staticmethod
    def _series(family: Any, cell: Any) -> dict[str, object]:
        labels = dict(zip(family.label_names, cell.labels, strict=True))
        if family.kind == "histogram":
            counts = cell.cumulated()
            return {"labels": labels, "count": counts[-1], "sum": cell.sum}
        return {"labels": labels, "value": cell.value if math.isfinite(cell.value) else None}  # JSON knows no NaN
