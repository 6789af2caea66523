"""What every `ConfigSource` promises."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import anyio
import pytest

from trivet.config.contracts import ConfigSource, LoadContext
from trivet.config.layer import Delete, Layer
from trivet.config.origin import Origin, Path
from trivet.config.problem import Problem
from trivet.launch import Launch
from trivet.testing.suites.suite import ANSWER_LIMIT, Suite, override
from trivet.testing.suites.tree import leaves, paths

SCALARS: Final = (str, bytes, bool, int, float, dt.date, dt.time, type(None), Delete)


class FreeSchema:
    """A schema in which every name is a field, in lower case."""

    def match(self, parts: Sequence[str]) -> Path | None:
        """Return the path of these names."""
        return tuple(part.lower() for part in parts)

    def suggest(self, parts: Sequence[str]) -> str | None:  # noqa: ARG002 - the contract of schemas
        """Suggest nothing."""
        return None


async def load(source: ConfigSource, context: LoadContext) -> Sequence[Layer]:
    """Load a source, within a limit."""
    with anyio.fail_after(ANSWER_LIMIT):
        return await source.load(context)


class ConfigSourceSuite(Suite):
    """The promises of a config source.

    Override `source` with one that has at least one value; `context` where that comes from the environment, the command line
    or files; `broken` where the source can be damaged.
    """

    @pytest.fixture
    def source(self) -> ConfigSource:
        """Return the source."""
        override("source")

    @pytest.fixture
    def context(self) -> LoadContext:
        """Return what the source loads with: a kernel ``suite`` that was started with nothing."""
        return LoadContext(
            kernel="suite",
            launch=Launch(environ=MappingProxyType({})),
            schema=FreeSchema(),
            formats=MappingProxyType({}),
        )

    @pytest.fixture
    def broken(self) -> ConfigSource:
        """Return a source that is there, but whose text cannot be read."""
        pytest.skip("override the fixture broken to prove what the source says about text that cannot be read")

    async def test_it_gives_layers_with_values(self, source: ConfigSource, context: LoadContext) -> None:
        """It loads layers, without problems, with at least one value in all."""
        assert isinstance(source, ConfigSource)
        layers = await load(source, context)
        assert all(isinstance(layer, Layer) for layer in layers)
        assert [problem for layer in layers for problem in layer.problems] == []
        assert any(layer.data for layer in layers)

    async def test_its_layers_have_names_of_their_own(self, source: ConfigSource, context: LoadContext) -> None:
        """Two layers of one load can be told apart, and each has its rank."""
        layers = await load(source, context)
        names = [layer.name for layer in layers]
        assert all(names)
        assert len(set(names)) == len(names)
        assert all(isinstance(layer.priority, int) for layer in layers)

    async def test_its_values_are_plain(self, source: ConfigSource, context: LoadContext) -> None:
        """Mappings with text keys, lists and scalars, nothing else; what is text says so."""
        for layer in await load(source, context):
            assert isinstance(layer.data, Mapping)
            for path, value in leaves(layer.data):
                assert all(isinstance(key, str | int) for key in path), path
                assert isinstance(value, SCALARS), path
                assert not layer.text or isinstance(value, str | Delete), path

    async def test_it_knows_where_every_value_is_from(self, source: ConfigSource, context: LoadContext) -> None:
        """Every path has an origin in its own layer, containers too; lines and columns count from 1."""
        for layer in await load(source, context):
            for path, _ in paths(layer.data):
                origin = layer.locate(path)
                assert isinstance(origin, Origin), path
                assert origin.layer == layer.name
                assert origin.source
                assert origin.line is None or origin.line >= 1
                assert origin.column is None or (origin.column >= 1 and origin.line is not None)

    async def test_loading_again_gives_the_same(self, source: ConfigSource, context: LoadContext) -> None:
        """As long as nothing changes, every load gives equal layers."""
        first, second = await load(source, context), await load(source, context)
        assert [(one.name, one.priority, dict(one.data)) for one in first] == [
            (one.name, one.priority, dict(one.data)) for one in second
        ]

    async def test_it_says_what_to_watch(self, source: ConfigSource, context: LoadContext) -> None:
        """What it wants watched are paths."""
        watched = [path for layer in await load(source, context) for path in layer.watch]
        assert all(isinstance(path, pathlib.Path) for path in watched)

    async def test_a_load_can_be_cancelled(self, source: ConfigSource, context: LoadContext) -> None:
        """A load that is given up leaves the source fit for the next."""
        with anyio.CancelScope() as scope:
            scope.cancel()
            await source.load(context)
        assert any(layer.data for layer in await load(source, context))

    async def test_what_cannot_be_read_is_a_problem_with_a_place(
        self, broken: ConfigSource, context: LoadContext
    ) -> None:
        """It raises nothing: a layer holds the problem, so that one report has those of every source."""
        problems = [problem for layer in await load(broken, context) for problem in layer.problems]
        assert problems
        for problem in problems:
            assert isinstance(problem, Problem)
            assert problem.message.strip()
            assert problem.origin is not None
