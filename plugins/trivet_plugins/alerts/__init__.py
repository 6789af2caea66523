"""Alert rules over the kernel's own history: PromQL, rule files, notifications and the query API, with no server beside it."""

from __future__ import annotations
