"""``trivet run``: run a service until SIGINT or SIGTERM stops it in order, which is exit 0.

A second one ends it at once (exit 128 + its number). SIGHUP reloads the configuration.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from trivet_plugins.cli.options import LaunchCommand, launch_options, open_kernel

if TYPE_CHECKING:
    from trivet import Kernel
    from trivet.events import Event


@click.command(cls=LaunchCommand)
@click.argument("target", required=False)
@launch_options
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Go on working so long after SIGTERM, not ready any more, before the stop.  [default: 0]",
)
@click.option("--backend", type=click.Choice(["asyncio", "trio"]), default="asyncio", show_default=True)
def run(*, target: str | None, backend: str, drain: float | None, **launch: Any) -> None:  # noqa: ANN401 - handed on to `open_kernel`
    """Run a service until it is told to stop.

    Without a TARGET: the built-in plugins and what ./trivet.toml enables. SIGHUP reloads the configuration.
    """
    import anyio
    import attrs

    from trivet.hosting import serve

    kernel = open_kernel(target, asks=False, **launch)
    drain = kernel.launch.drain if drain is None else drain
    kernel.launch = attrs.evolve(kernel.launch, standalone=True, drain=drain)
    if sys.stderr.isatty():
        kernel.observe(_Guide(kernel).see)
    anyio.run(serve, kernel, backend=backend)


class _Guide:
    """Tells a person at a terminal where to look, once the service runs."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._places: list[str] = []

    def see(self, event: Event) -> None:
        """Collect addresses until the start is complete, then print."""
        from trivet.events import KernelStarted, ServiceListening

        if isinstance(event, ServiceListening):
            self._places.append(event.url)
        elif isinstance(event, KernelStarted):
            look = f"  look at  {'  '.join(self._places)}\n" if self._places else ""
            click.echo(f"\n{self._kernel.name} is running\n{look}  stop it  Ctrl-C\n", err=True)
