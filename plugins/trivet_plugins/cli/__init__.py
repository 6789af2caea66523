"""The ``trivet`` command. Importing this package imports nothing else: ``trivet --help`` must answer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ("main",)


def main() -> NoReturn:
    """Run the command line with ``sys.argv``; exit with the code that `trivet_plugins.cli.failure` gives a failure."""
    from trivet_plugins.cli.program import main as run_program

    run_program()
