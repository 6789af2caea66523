"""A configuration over sources in memory: real sources by contract, whose layers a test sets as it likes."""

from __future__ import annotations

import attrs
import pytest

from trivet import Launch, Layer, Origin
from trivet.config.registry import Config


@attrs.define
class Memory:
    """A source that gives the trees it was told to give."""

    layers: list = attrs.field(factory=list)
    loads: int = 0
    error: Exception | None = None

    def put(self, name, data, *, priority=100, text=False, secret=False, problems=()):
        """Set a layer; its places are ``<name>:<dotted path>``."""
        layer = Layer(
            name=name,
            priority=priority,
            data=data,
            locate=lambda path: Origin(name, f"{name}:{'.'.join(map(str, path))}"),
            text=text,
            secret=secret,
            problems=problems,
        )
        self.layers = [one for one in self.layers if one.name != name] + [layer]

    async def load(self, context):
        """Give the layers, or fail as told."""
        self.loads += 1
        if self.error is not None:
            raise self.error
        return list(self.layers)


@attrs.define
class Bench:
    """A configuration, its source, and the events it emitted."""

    config: Config
    memory: Memory
    events: list

    def of(self, kind):
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def bench():
    """An empty configuration of a kernel called ``orders``."""
    events = []
    config = Config("orders", emit=events.append, launch=lambda: Launch(environ={}))
    memory = Memory()
    config.add_source("memory", memory)
    return Bench(config, memory, events)
