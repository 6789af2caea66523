"""Rule files as Prometheus has them: read, evaluated group by group, tested; what is pending or firing outlives a restart."""

from __future__ import annotations
