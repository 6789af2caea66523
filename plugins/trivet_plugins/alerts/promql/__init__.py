"""PromQL over series in memory: `Query.parse` a text, then ask it about a moment or a span of time of any `Storage`.

Everything here is synchronous and knows no kernel: whoever has an event loop calls it in a worker thread, with a `Budget`.
The semantics are those of Prometheus 3: ranges and the look-back leave out their left edge, the name of a metric is dropped at
the end of an evaluation. What is supported, and what is refused by name, is on the page of the reference about PromQL.
"""

from __future__ import annotations
