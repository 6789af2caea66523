"""Settings from a document on an HTTP server, asked for again and again and reloaded when it changes. Needs the extra ``http``.

Without ``url`` it does nothing. Its values win over files and lose against secrets directories, environment and ``--set``.

Config (``plugins.http``): ``url``, or ``urls`` for several (later ones win); ``headers`` to send; ``format`` (``toml``, ``yaml``,
``json``; default: by content type, else by the URL's suffix); in seconds ``interval`` between polls (30), ``timeout`` of a whole
answer (5), ``max_backoff`` while the server fails (300); ``max_bytes`` (5 MiB, decompressed); ``required`` (true: no start
without one), ``cache_file`` (the last good documents, for a start while the server is down), ``ca_file`` (trusted in place of
the system's authorities). A change of these counts from the next poll on. Example::

    [plugins.http]
    url = "https://config.internal/orders.toml"
    headers = { Authorization = "trivet:1:..." }  # sealed
    cache_file = "/var/lib/orders/remote.json"
"""

from __future__ import annotations

import pathlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import attrs
from attrs.validators import and_, deep_iterable, ge, gt, le

from trivet import CheckPlan, Layer, LoadContext, Origin, Provider, Secret, Status, Verdict, hookimpl
from trivet.config.layer import REMOTE
from trivet.config.limits import LIMITS
from trivet.events import ConfigReloaded, ConfigWarning, Event
from trivet_plugins.config.http_address import Address
from trivet_plugins.config.http_answer import utc
from trivet_plugins.config.http_cache import Cache
from trivet_plugins.config.http_remote import Remote, Rhythm
from trivet_plugins.config.http_validators import AreHeaders, IsUrl

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource, Kernel
    from trivet_plugins.config.http_answer import Answer


@attrs.frozen(kw_only=True)
class HttpConfig:
    """The section ``plugins.http``. URLs are secrets: their user, password and query often are."""

    url: Secret[str] | None = attrs.field(default=None, validator=IsUrl())
    urls: tuple[Secret[str], ...] = attrs.field(default=(), validator=deep_iterable(IsUrl()))
    headers: Mapping[str, Secret[str]] = attrs.field(factory=dict, validator=AreHeaders())
    format: str | None = None
    interval: float = attrs.field(default=30.0, validator=gt(0))
    timeout: float = attrs.field(default=5.0, validator=and_(gt(0), le(9)))  # a load gives a source 10 seconds
    max_backoff: float = attrs.field(default=300.0, validator=gt(0))
    max_bytes: int = attrs.field(default=LIMITS.file_bytes, validator=ge(1))
    required: bool = True
    ca_file: pathlib.Path | None = None
    cache_file: pathlib.Path | None = None

    def addresses(self) -> list[Address]:
        """Return where the documents are, the weakest first."""
        first = (self.url,) if self.url is not None else ()
        return list(dict.fromkeys(map(Address.of, (*first, *self.urls))))


class Http:
    """The source; `running` is its life. It is the health check of its servers too.

    While it runs, a server that fails takes nothing away: what it said last stays in force, files reload as ever, and health is
    degraded. A document that is there and bad is rejected like a bad file.

    Args:
        config: Its settings at the start.
        kernel: Whose configuration.
    """

    plan = CheckPlan(groups={"ready"}, interval=1.0, critical=False)

    def __init__(self, config: HttpConfig, kernel: Kernel) -> None:
        self._kernel = kernel
        self._config = config
        self._remotes: dict[Address, Remote] = {}
        self._cached: dict[str, Answer] = {}
        self._warned: set[str] = set()
        self._told: set[Remote] = set()
        self._changed = anyio.Event()
        self._uncheck: Callable[[], None] | None = None
        self._arrange()

    def _arrange(self) -> None:
        """Make remotes for the addresses that are configured, and keep those that are there."""
        before, addresses = self._remotes, self._config.addresses()
        self._remotes = {}
        for number, address in enumerate(addresses, 1):
            name = "http" if number == 1 else f"http {number}"
            known = before.get(address)
            self._remotes[address] = known if known is not None and known.name == name else Remote(address, name)
            if address.is_open:
                self._warn(
                    f"{address.shown}: over plain HTTP anyone on the way can change the configuration; use https"
                )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Http]:
        """Poll from entering to leaving."""
        end = self._kernel.observe(self._note)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._poll)
                self._check_if_active()
                yield self
                group.cancel_scope.cancel()
        finally:
            end()
            self._end_check()

    def _note(self, event: Event) -> None:
        if isinstance(event, ConfigReloaded):
            self._changed.set()

    def _check_if_active(self) -> None:
        self._end_check()
        if self._remotes:
            self._uncheck = self._kernel.health.add("config_http", self)

    def _end_check(self) -> None:
        if self._uncheck is not None:
            self._uncheck()
            self._uncheck = None

    # -- loading ----------------------------------------------------------------------------------------------------------

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Ask all servers, but those that failed just now or have news that were not loaded yet."""
        layers_in_force = self._kernel.config.snapshot.layers if self._kernel.config.generation else ()
        remotes = list(self._remotes.values())
        layers: dict[Remote, list[Layer]] = {}

        async def load_one(remote: Remote) -> None:
            remote.note_accepted(layers_in_force)
            if not remote.has_news and (remote.failure is None or remote.due <= time.monotonic()):
                await self._ask(remote)
            layers[remote] = await self._layer(remote, context)

        async with anyio.create_task_group() as group:
            for remote in remotes:
                group.start_soon(load_one, remote)
        return [layer for remote in remotes for layer in layers[remote]]

    async def _ask(self, remote: Remote) -> None:
        from trivet_plugins.config.http_fetch import Limits

        config = self._config
        limits = Limits(timeout=config.timeout, max_bytes=config.max_bytes, ca_file=config.ca_file)
        await remote.ask(config.headers, limits, Rhythm(interval=config.interval, max_backoff=config.max_backoff))

    async def _layer(self, remote: Remote, context: LoadContext) -> list[Layer]:
        if remote.failure is not None and remote.answer is None:
            await self._look_into_cache(remote)
        given = await anyio.to_thread.run_sync(
            remote.choose, self._config.format, context.formats, abandon_on_cancel=True
        )
        if given is not None:
            remote.given = given
            self._warn_of(remote)
            return [given.layer]
        if remote.failure is None or not self._config.required:
            self._warn_of(remote)
            return []
        origin = Origin(remote.name, remote.address.shown)
        remedy = "bring the server up, or allow a start without it: plugins.http.cache_file, plugins.http.required"
        return [Layer.refused(f"{remote.failure.reason}; {remedy}", origin, priority=REMOTE, down=True)]

    async def _look_into_cache(self, remote: Remote) -> None:
        if self._config.cache_file is None:
            return
        try:
            cached = await anyio.to_thread.run_sync(Cache(self._config.cache_file).read, abandon_on_cancel=True)
        except ValueError as exc:
            self._warn(str(exc))
            return
        self._cached = {**cached, **self._cached}
        if (answer := self._cached.get(remote.address.digest)) is not None:
            remote.use_cached(answer)

    # -- polling ----------------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        while self._kernel.state == "starting" and not self._changed.is_set():  # a reload before the first load is none
            with anyio.move_on_after(self._config.interval):
                await self._changed.wait()
        while True:
            due = min((remote.due for remote in self._remotes.values()), default=float("inf"))
            with anyio.move_on_after(due - time.monotonic()):
                await self._changed.wait()
            self._changed = anyio.Event()
            await self._look()

    async def _look(self) -> None:
        reason = self._take_settings()
        due = [remote for remote in self._remotes.values() if remote.due <= time.monotonic()]
        async with anyio.create_task_group() as group:
            for remote in due:
                group.start_soon(self._ask, remote)
        news = [remote for remote in self._remotes.values() if remote.has_news]
        if news:
            reason = f"http: new revision {', '.join(map(_news, news))}"
        if reason:
            await self._kernel.config.reload(reason=reason)
        for remote in due:
            self._warn_of(remote)
        await self._save()

    def _take_settings(self) -> str:
        live = self._kernel.config.bind("plugins.http", HttpConfig)
        if live.current == self._config:
            return ""
        self._config = live.current
        self._arrange()
        self._check_if_active()
        for remote in self._remotes.values():
            remote.due = 0.0
        return "http: plugins.http changed"

    async def _save(self) -> None:
        """Write down what is in force and came from a server."""
        path, layers = self._config.cache_file, self._kernel.config.snapshot.layers
        if path is None:
            return
        fresh = {
            remote.address.digest: remote.given.answer
            for remote in self._remotes.values()
            if remote.given is not None and remote.given.answer.cached is None and remote.given.is_among(layers)
        }
        if all(self._cached.get(digest) is answer for digest, answer in fresh.items()):
            return
        self._cached = {**self._cached, **fresh}
        try:
            await anyio.to_thread.run_sync(Cache(path).write, self._cached)
        except ValueError as exc:
            self._warn(str(exc))

    # -- telling ----------------------------------------------------------------------------------------------------------

    async def check(self) -> Verdict | None:
        """Warn while a server fails, and say what is in force meanwhile."""
        bad = [_describe(remote) for remote in self._remotes.values() if remote.failure is not None]
        return Verdict(Status.WARN, "; ".join(bad)) if bad else None

    def _warn_of(self, remote: Remote) -> None:
        """Tell of a failing server, once until it answers again."""
        if remote.failure is None:
            self._told.discard(remote)
        elif remote not in self._told:
            self._told.add(remote)
            self._kernel.emit(ConfigWarning(message=_describe(remote)))

    def _warn(self, message: str) -> None:
        """Say something once."""
        if message not in self._warned:
            self._warned.add(message)
            self._kernel.emit(ConfigWarning(message=message))


def _describe(remote: Remote) -> str:
    if remote.given is None:
        meanwhile = "the configuration goes without it"
    elif remote.given.answer.cached is not None:
        meanwhile = f"what was cached at {utc(remote.given.answer.cached)} is in force"
    else:
        meanwhile = f"revision {remote.given.answer.revision} stays in force"
    return f"{remote.address.shown}: {remote.failure}; {meanwhile}"


def _news(remote: Remote) -> str:
    return f"{remote.answer.revision if remote.answer is not None else 'none'} of {remote.address.shown}"


@asynccontextmanager
async def poll(config: HttpConfig, kernel: Kernel) -> AsyncIterator[Http]:
    """Poll the servers of a kernel's configuration."""
    async with Http(config, kernel).running() as source:
        yield source


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/http``."""
    # Without `modules`: where httpx2 is missing, a configured URL must be an error and not a provider that is left out.
    return [Provider(name="http", factory=poll, config=HttpConfig, restart=5, extra="http")]
