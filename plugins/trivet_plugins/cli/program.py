"""The click group behind ``trivet``: commands load when they are called, so help and mistakes are answered at once."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from trivet_plugins.cli.failure import report
from trivet_plugins.cli.options import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "alerts": ("trivet_plugins.cli.alerts:alerts", "Check and test alert rules; silence and acknowledge alerts."),
    "audit": (
        "trivet_plugins.security.audit.commands:audit",
        "Begin an audit log; show, verify and prove what is in it.",
    ),
    "check": ("trivet_plugins.cli.check:check", "Validate configuration and plugins, and start nothing."),
    "config": ("trivet_plugins.cli.config:config", "Show configuration, and where each value comes from."),
    "health": ("trivet_plugins.cli.health:health", "Show the health checks of a running service."),
    "keys": ("trivet_plugins.cli.keys:keys", "Manage the data keys of a service."),
    "metrics": ("trivet_plugins.cli.metrics:metrics", "Show what a running service measures."),
    "password": ("trivet_plugins.cli.password:password", "Hash a password; check one against a stored hash."),
    "plugins": (
        "trivet_plugins.cli.plugins:plugins",
        "List the providers that take part, and the plugins that give them.",
    ),
    "run": ("trivet_plugins.cli.run:run", "Run a service until it is told to stop."),
    "traces": ("trivet_plugins.cli.traces:traces", "Show the last spans of a running service, the newest first."),
    "secrets": ("trivet_plugins.cli.secrets:secrets", "Create the key file; seal and open values."),
    "token": ("trivet_plugins.cli.token:token", "Make a token for the admin pages, and its hash."),
}
"""Built-in commands: name to ``module:attribute`` and the line that help shows."""


class Program(click.Group):
    """Find built-in commands in `COMMANDS`, others in the plugins; import none before it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands. Loads the enabled plugins' commands, not the built-in ones."""
        return sorted({*COMMANDS, *self._plugin_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None where nobody has it."""
        if cmd_name not in COMMANDS:
            return self._plugin_commands(ctx).get(cmd_name)
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            msg = f"{module}:{attribute} is no click command"
            raise TypeError(msg)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their one-line texts, without importing them."""
        texts = {name: text for name, (_, text) in COMMANDS.items()}
        for name, command in self._plugin_commands(ctx).items():
            if not command.hidden:
                texts.setdefault(name, command.get_short_help_str())
        with formatter.section("Commands"):
            formatter.write_dl(sorted(texts.items()))

    def _plugin_commands(self, ctx: click.Context) -> Mapping[str, click.Command]:
        if "trivet_plugin_commands" not in ctx.meta:
            from trivet_plugins.cli.plugin_commands import plugin_commands

            ctx.meta["trivet_plugin_commands"] = plugin_commands(reserved=COMMANDS.keys())
        found: Mapping[str, click.Command] = ctx.meta["trivet_plugin_commands"]
        return found


@click.command(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trivet", message="trivet %(version)s")
def program() -> None:
    """Run services that stand on trivet, and look into their configuration, secrets and plugins.

    A TARGET is module:attr or file.py[:attr]; the attribute is "kernel" unless given.
    """


def main() -> NoReturn:
    """Run `program` with ``sys.argv`` and exit."""
    session = Session()
    try:
        result = program.main(standalone_mode=False, obj=session, prog_name="trivet")
    except Exception as exc:  # noqa: BLE001 - the last stop before the shell: all becomes a message and a code
        sys.exit(report(exc, debug=session.debug))
    except KeyboardInterrupt as exc:
        sys.exit(report(exc, debug=session.debug))
    sys.exit(result if isinstance(result, int) else 0)
