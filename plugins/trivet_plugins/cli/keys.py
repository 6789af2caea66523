"""``trivet keys``: see the data keys of a service, replace them, take them out of use, wrap them under another master key."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from trivet_plugins.cli.options import LaunchCommand, json_option
from trivet_plugins.cli.service import Service, service_options
from trivet_plugins.cli.suite import find_suite

if TYPE_CHECKING:
    from trivet import KeyInfo, KeyKeeper, KeyListing

_PREFIX: Final = re.compile(r"[0-9a-f]{4,16}\Z")
_DATES: Final = ("created", "activates", "expires")

Act = Callable[["KeyKeeper", Mapping[int, str]], Awaitable[Any]]


@click.group()
def keys() -> None:
    """Manage the data keys of a service.

    A new key is pending until all processes know it, then primary: it seals. The one before it is decrypt-only from then on.
    A running service follows within seconds, by itself.
    """


# -- list -----------------------------------------------------------------------------------------------------------------


@keys.command("list", cls=LaunchCommand)
@service_options
@json_option
def list_(service: Service, *, as_json: bool) -> None:
    """Show all keys with their states, dates and counts, and what protects them."""
    listing, suites = _run(service, lambda keeper, _: keeper.listing())
    if as_json:
        row = {**attrs.asdict(listing), "keys": [_row(key) for key in listing.keys]}
        click.echo(json.dumps(row, indent=2))
    else:
        click.echo(_head(listing))
        click.echo(_table(listing, suites))


def _head(listing: KeyListing) -> str:
    wrapped = (
        f"wrapped by {listing.wrapped_by}" if listing.wrapped_by else "NOT wrapped: whoever reads the file has them"
    )
    read_only = "" if listing.writable else "; read only for this user"
    return f"{listing.place}: generation {listing.generation}, keys {wrapped}{read_only}"


def _table(listing: KeyListing, suites: Mapping[int, str]) -> str:
    cells: list[tuple[str, ...]] = [("KEY", "STATE", "CIPHER", "CREATED", "SEALS FROM", "SUCCESSOR DUE", "MESSAGES")]
    for key in listing.keys:
        dates = (f"{date:%Y-%m-%d %H:%M}" if date else "-" for date in (getattr(key, name) for name in _DATES))
        cells.append((f"{key.id:016x}", str(key.state), _suite(key.suite, suites), *dates, f"{key.messages}"))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _suite(number: int, suites: Mapping[int, str]) -> str:
    return f"{number} ({suites.get(number, 'not loaded')})"


def _row(key: KeyInfo) -> dict[str, object]:
    dates = {name: date and f"{date:%Y-%m-%dT%H:%M:%SZ}" for name, date in ((one, getattr(key, one)) for one in _DATES)}
    return {"id": f"{key.id:016x}", "suite": key.suite, "state": str(key.state), **dates, "messages": key.messages}


# -- rotate ---------------------------------------------------------------------------------------------------------------


def _duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> dt.timedelta | None:
    from trivet.config.coercion import to_duration

    if value is None:
        return None
    try:
        delay = to_duration(value)
    except ValueError:
        delay = dt.timedelta(-1)
    if delay < dt.timedelta():
        raise click.BadParameter("must be a duration such as 30m, 48h or 2d")
    return delay


@keys.command(cls=LaunchCommand)
@click.option(
    "--now", is_flag=True, help="The new key seals at once: in an emergency, or where one process has the keys."
)
@click.option("--after", callback=_duration, metavar="DURATION", help="Until it seals. [default: as configured, 48h]")
@click.option("--suite", metavar="NAME|NUMBER", help="The cipher that it is for. [default: that of the level]")
@service_options
@json_option
def rotate(service: Service, *, now: bool, after: dt.timedelta | None, suite: str | None, as_json: bool) -> None:
    """Make a new key. What is sealed already still opens; trivet secrets rotate seals it anew."""
    if now and after is not None:
        raise click.UsageError("--now and --after both say when the new key seals; give one")
    delay = 0.0 if now else None if after is None else after.total_seconds()

    def act(keeper: KeyKeeper, suites: Mapping[int, str]) -> Awaitable[KeyInfo]:
        return keeper.rotate(suite=find_suite(suite, suites) if suite else None, delay=delay)

    made = _change(service, act, as_json=as_json)
    if not as_json and made.state == "pending":
        click.echo(f"it seals from {made.activates:%Y-%m-%d %H:%M} UTC on; until then all processes can learn of it")


# -- out of use -----------------------------------------------------------------------------------------------------------


@keys.command(cls=LaunchCommand)
@click.argument("key")
@service_options
@json_option
def retire(service: Service, key: str, *, as_json: bool) -> None:
    """Let a pending or disabled KEY open values, and seal none. KEY is its id, or the beginning of it."""
    _change(service, lambda keeper, _: _on(keeper, key, keeper.retire), as_json=as_json)


@keys.command(cls=LaunchCommand)
@click.argument("key")
@service_options
@json_option
def disable(service: Service, key: str, *, as_json: bool) -> None:
    """Let KEY open nothing any more. retire takes it back; trivet secrets check --all says whether something needs it."""
    _change(service, lambda keeper, _: _on(keeper, key, keeper.disable), as_json=as_json)


@keys.command(cls=LaunchCommand)
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
@json_option
def destroy(service: Service, key: str, *, yes: bool, as_json: bool) -> None:
    """Remove the bytes of a disabled KEY for good. What it has sealed is lost, wherever that is kept."""

    async def act(keeper: KeyKeeper, _: Mapping[int, str]) -> KeyInfo:
        found = await _find(keeper, key)
        if not yes and found.state == "disabled":
            _confirm(found)
        return await keeper.destroy(found.id)

    _change(service, act, as_json=as_json)


def _confirm(key: KeyInfo) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked whether to destroy the key: say --yes")
    question = f"What key {key.id:016x} has sealed (up to {key.messages} messages) is lost for good. Destroy it?"
    click.confirm(question, abort=True, err=True)


# -- master key -------------------------------------------------------------------------------------------------------------


@keys.command(cls=LaunchCommand)
@service_options
@json_option
def rewrap(service: Service, *, as_json: bool) -> None:
    """Wrap all keys under the master key that plugins.key_file.master names; no sealed value changes."""
    listing, _ = _run(service, lambda keeper, _: keeper.rewrap())
    if as_json:
        click.echo(json.dumps({**attrs.asdict(listing), "keys": [_row(key) for key in listing.keys]}, indent=2))
    else:
        click.echo(_head(listing))


# -- how ------------------------------------------------------------------------------------------------------------------


def _change(service: Service, act: Act, *, as_json: bool) -> KeyInfo:
    key: KeyInfo
    key, suites = _run(service, act)
    text = (
        json.dumps(_row(key), indent=2) if as_json else f"key {key.id:016x}: {key.state}, {_suite(key.suite, suites)}"
    )
    click.echo(text)
    return key


def _run(service: Service, act: Act) -> tuple[Any, Mapping[int, str]]:
    import anyio

    return anyio.run(_in_kernel, service, act)


async def _in_kernel(service: Service, act: Act) -> tuple[Any, Mapping[int, str]]:
    from trivet import KeyKeeper, KeyRingError

    kernel = service.kernel_of_keys()
    async with kernel.secured():
        ring = service.ring(kernel)
        if not isinstance(ring, KeyKeeper):
            raise KeyRingError(
                f"the key ring of {kernel.name}, {type(ring).__qualname__}, does not manage its keys itself"
            )
        suites = kernel.ciphers.suites()
        return await act(ring, suites), suites


async def _on(keeper: KeyKeeper, key: str, act: Callable[[int], Awaitable[KeyInfo]]) -> KeyInfo:
    return await act((await _find(keeper, key)).id)


async def _find(keeper: KeyKeeper, key: str) -> KeyInfo:
    if not _PREFIX.match(key):
        raise click.BadParameter("must be a key's id, or its first four hex digits or more", param_hint="KEY")
    found = [one for one in (await keeper.listing()).keys if f"{one.id:016x}".startswith(key)]
    if len(found) == 1:
        return found[0]
    what = "no key" if not found else f"{len(found)} keys"
    raise click.BadParameter(
        f"{what} of {keeper.place} begins with {key}; trivet keys list shows all", param_hint="KEY"
    )
