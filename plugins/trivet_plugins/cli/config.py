"""``trivet config show|get|explain``: the configuration that would be in force, and where each value comes from.

Secrets are masked. Nothing starts but what loading takes; a configuration that is not valid prints its problems and
exits with 78.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trivet import Kernel, Origin
    from trivet.config.explanation import Explanation

T = TypeVar("T")


@click.group()
def config() -> None:
    """Show configuration, and where each value comes from."""


@config.command(cls=LaunchCommand)
@app_option
@launch_options
@json_option
def show(*, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `_ask`
    """Print the effective configuration, defaults included: a line per value with its origin."""
    if as_json:
        click.echo(_json(_ask(lambda kernel: kernel.config.show(), **launch), indent=2))
        return
    rows = [(f"{row.path} = {_json(row.value)}", row.origin) for row in _ask(_explain_all, **launch)]
    width = min(60, max((len(text) for text, _ in rows), default=0))
    for text, origin in rows:
        click.echo(f"{text:<{width}}  # {_place(origin)}")


@config.command(cls=LaunchCommand)
@click.argument("path")
@app_option
@launch_options
@json_option
def get(*, path: str, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `_ask`
    """Print one value: a text as it is, anything else as JSON."""
    value = _ask(lambda kernel: kernel.config.explain(path), **launch).value
    click.echo(value if isinstance(value, str) and not as_json else _json(value, indent=2))


@config.command(cls=LaunchCommand)
@click.argument("path")
@app_option
@launch_options
@json_option
def explain(*, path: str, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `_ask`
    """Say where a value comes from, and which places set it in vain."""
    found = _ask(lambda kernel: kernel.config.explain(path), **launch)
    if as_json:
        click.echo(_json(_explanation(found), indent=2))
        return
    click.echo(f"{found.path} = {_json(found.value)}")
    click.echo(f"  set by    {_place(found.origin)}")
    for shadowed in found.shadowed:
        click.echo(f"  shadowed  {_place(shadowed.origin)} = {_json(shadowed.value)}")


def _ask(question: Callable[[Kernel], T], *, app: str | None, **launch: Any) -> T:  # noqa: ANN401 - the launch options
    """Load the configuration of a kernel and ask it something.

    Raises:
        ConfigError: if the configuration is not valid.
    """
    import anyio

    kernel = open_kernel(app, **launch)

    async def ask() -> T:
        async with kernel.configured():
            return question(kernel)

    return anyio.run(ask)


def _explain_all(kernel: Kernel) -> list[Explanation]:
    return [kernel.config.explain(path) for path in _leaves(kernel.config.show())]


def _leaves(tree: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _explanation(found: Explanation) -> dict[str, object]:
    shadowed = [{**(_origin(one.origin) or {}), "value": one.value} for one in found.shadowed]
    return {"path": found.path, "value": found.value, "origin": _origin(found.origin), "shadowed": shadowed}


def _origin(origin: Origin | None) -> dict[str, object] | None:
    if origin is None:
        return None
    return {"layer": origin.layer, "source": origin.source, "line": origin.line, "column": origin.column}


def _place(origin: Origin | None) -> str:
    return "the code" if origin is None else str(origin)


def _json(value: object, *, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)
