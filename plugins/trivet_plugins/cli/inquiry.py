"""An inquiry: load the configuration of a kernel, start nothing that serves, and ask it something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from trivet_plugins.cli.options import open_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trivet import Kernel

T = TypeVar("T")


def ask(question: Callable[[Kernel], T], *, app: str | None, **launch: Any) -> T:  # noqa: ANN401 - the launch options
    """Load the configuration of a kernel and ask it something.

    Raises:
        ConfigError: if the configuration is not valid.
    """
    return ask_kernel(open_kernel(app, **launch), question)


def ask_kernel(kernel: Kernel, question: Callable[[Kernel], T]) -> T:
    """Load a kernel's configuration and ask it something.

    Raises:
        ConfigError: if the configuration is not valid.
    """
    import anyio

    async def answer() -> T:
        async with kernel.configured():
            return question(kernel)

    return anyio.run(answer)


def row_place(row: Mapping[str, object] | None) -> str:
    """Return an origin as text has it, from what JSON has."""
    from trivet.config.row import origin_of

    origin = origin_of(row)
    return "the code" if origin is None else str(origin)


def json_text(value: object, *, indent: int | None = None) -> str:
    """Write JSON for people and programs."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)
