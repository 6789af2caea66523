"""Who is told of which alert, when, and how nothing of it gets lost. No plugin: the plugin `alerts` runs its `Dispatcher`."""

from __future__ import annotations
