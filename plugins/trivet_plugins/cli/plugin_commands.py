"""Commands that plugins bring through ``register_commands``.

Asked are the plugins that ``./trivet.toml`` enables (``[plugins] enable = ["acme"]``): a command runs a plugin's code,
and installed does not mean trusted. ``TRIVET_SAFE=1`` asks none. A broken plugin costs its commands and a line on
stderr, no more.
"""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trivet.errors import PluginError

_FILE = pathlib.Path("trivet.toml")


def plugin_commands(*, reserved: Collection[str]) -> Mapping[str, click.Command]:
    """Return the commands of the enabled plugins by name.

    Args:
        reserved: Names of built-in commands; a plugin cannot take one.
    """
    names = _enabled()
    if not names:
        return {}
    from trivet.discovery import Plugins
    from trivet.errors import PluginError
    from trivet.stall import StallWatch, report_to_stderr

    found: dict[str, click.Command] = {}
    with StallWatch(5.0, report_to_stderr) as watch:
        plugins = Plugins(watch, on_broken=_warn)
        plugins.load("none", names)
        for hook in plugins.implementations("register_commands"):
            own = click.Group()
            try:
                hook.function(own)
            except Exception as exc:  # noqa: BLE001 - foreign code: it must not take the others' commands away
                _warn(PluginError(hook.plugin_name, f"register_commands failed: {type(exc).__name__}: {exc}"))
                continue
            for name, command in own.commands.items():
                if name in reserved or name in found:
                    _warn(PluginError(hook.plugin_name, f"the command {name!r} is taken; it must rename its own"))
                else:
                    found[name] = command
    return found


def _enabled() -> list[str]:
    if os.environ.get("TRIVET_SAFE", "") not in ("", "0") or not _FILE.is_file():
        return []
    import tomllib

    try:
        section = tomllib.loads(_FILE.read_text(encoding="utf-8")).get("plugins", {})
    except (OSError, ValueError) as exc:
        click.echo(f"warning: {_FILE}: {exc}; the commands of plugins are left out", err=True)
        return []
    names = section.get("enable", []) if isinstance(section, dict) else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _warn(error: PluginError) -> None:
    click.echo(f"warning: {error}", err=True)
