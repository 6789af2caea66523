"""A kernel's life, whole: declare, compose, start, run, stop, with every way it can go wrong."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from trivet import (
    ConfigError,
    Kernel,
    KernelStateError,
    Launch,
    PluginError,
    Provider,
    ProviderFailed,
    ProviderStartError,
    UnknownServiceError,
    hookimpl,
)
from trivet.events import (
    KernelStarted,
    KernelStopped,
    KernelStopping,
    PluginBroken,
    ProviderSlow,
    ProviderStateChanged,
)


class Offer:
    """A plugin that offers the services it is given."""

    def __init__(self, *providers, name="offer"):
        self.trivet_name = name
        self.providers = providers

    @hookimpl
    def register_services(self, composition):
        return self.providers


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a kernel in an empty directory, without the process's environment."""
    monkeypatch.chdir(tmp_path)

    def make(*providers, discover="none", environ=None, **options):
        plugins = [Offer(*providers)] if providers else []
        launch = Launch(environ=environ or {}, **options.pop("launch", {}))
        return Kernel(
            "test", plugins=[*plugins, *options.pop("plugins", [])], discover=discover, launch=launch, **options
        )

    return make


def traced(log, name, **options):
    @asynccontextmanager
    async def run():
        log.append(f"+{name}")
        try:
            yield name
        finally:
            log.append(f"-{name}")

    return Provider(name=name, factory=run, **options)


async def die(after):
    await after.wait()
    raise OSError("bus went away")


def mortal(after, **options):
    """A service that crashes in the background when the event is set."""

    @asynccontextmanager
    async def run():
        async with anyio.create_task_group() as group:
            group.start_soon(die, after)
            yield "mortal"
            group.cancel_scope.cancel()

    return Provider(name="mortal", factory=run, **options)


async def test_start_in_order_stop_in_reverse(make):
    """What is required runs first and stops last."""
    log = []
    async with make(
        traced(log, "a", requires=("service/b",)), traced(log, "b", requires=("service/c",)), traced(log, "c")
    ):
        assert log == ["+c", "+b", "+a"]
    assert log == ["+c", "+b", "+a", "-a", "-b", "-c"]


async def test_a_failed_start_stops_what_had_started(make):
    """Nothing stays behind, and the error names provider, plugin and cause."""
    log = []

    def broken():
        raise OSError("no bus")

    kernel = make(traced(log, "a"), Provider(name="b", factory=broken, requires=("service/a",)))
    with pytest.raises(ProviderStartError, match=r"service/b \(plugin offer\) failed in phase start: OSError: no bus"):
        async with kernel:
            pytest.fail("started")
    assert log == ["+a", "-a"]
    assert kernel.state == "stopped"


async def test_a_non_critical_failure_lets_the_kernel_run(make):
    """It is listed as failed; what requires it fails with "needs"; the rest works."""

    def broken():
        raise OSError("no bus")

    kernel = make(
        Provider(name="bus", factory=broken, critical=False),
        Provider(name="rider", factory=object, requires=("service/bus",), critical=False),
        Provider(name="walker", factory=object),
    )
    async with kernel:
        rows = {row.id: row for row in kernel.plugins()}
    assert rows["service/bus"].state == "failed"
    assert "OSError: no bus" in rows["service/bus"].error
    assert "needs service/bus, which does not run: " in rows["service/rider"].error
    assert rows["service/walker"].state in ("running", "stopped")


async def test_a_critical_crash_cancels_the_body_and_raises(make):
    """The worker's body is cancelled, everything stops in order, and the cause is kept."""
    log, crash = [], anyio.Event()
    kernel = make(traced(log, "a"), mortal(crash, requires=("service/a",)))
    with pytest.raises(
        ProviderFailed, match=r"service/mortal \(plugin offer\) failed while running: OSError: bus"
    ) as caught:
        async with kernel:
            crash.set()
            await anyio.sleep_forever()
    assert log == ["+a", "-a"]
    assert "bus went away" in repr(caught.value.__cause__)


async def test_a_non_critical_crash_leaves_the_body_alone(make):
    """The kernel runs on; the provider is listed as failed with its error."""
    crash = anyio.Event()
    kernel = make(mortal(crash, critical=False))
    async with kernel:
        crash.set()
        with anyio.fail_after(5):
            while kernel.plugins()[0].state != "failed":
                await anyio.sleep(0.001)


async def test_an_error_of_the_body_comes_out_as_it_is(make):
    """No exception group around it, and the stop happens first."""
    log = []
    with pytest.raises(ZeroDivisionError):
        async with make(traced(log, "a")):
            1 / 0  # noqa: B018
    assert log == ["+a", "-a"]


async def test_readiness_falls_before_anything_stops(make):
    """A load balancer hears it while the service can still answer."""
    seen = []

    @asynccontextmanager
    async def run():
        seen.append(str(kernel.health.report("ready").status))
        yield "x"
        seen.append(str(kernel.health.report("ready").status))

    kernel = make(Provider(name="x", factory=run))
    async with kernel:
        seen.append(str(kernel.health.report("ready").status))
    assert seen == ["fail", "pass", "fail"]


async def test_cancellation_at_any_await_of_the_start_leaves_nothing_running(make):
    """However far the start has come when its surroundings give up, what started has stopped when the cancellation is through."""
    for steps in range(0, 60, 3):
        log = []
        kernel = make(
            traced(log, "a"), traced(log, "b", requires=("service/a",)), traced(log, "c", requires=("service/b",))
        )
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_after, scope, steps)
                async with kernel:
                    await anyio.sleep_forever()
        started = [name[1:] for name in log if name[0] == "+"]
        stopped = [name[1:] for name in log if name[0] == "-"]
        assert stopped == started[::-1]
        assert kernel.state == "stopped"


async def _cancel_after(scope, steps):
    for _ in range(steps):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


async def test_a_slow_start_is_told_at_half_time_with_its_stack(make):
    """The warning names the provider and the line that waits, long before the time-out."""

    async def wait_for_the_broker():
        while not told:
            await anyio.sleep(0.005)

    @asynccontextmanager
    async def run():
        await wait_for_the_broker()
        yield "x"

    told = []
    kernel = make(Provider(name="x", factory=run, start_timeout=20.0))
    kernel.observe(lambda event: told.append(event) if isinstance(event, ProviderSlow) else None)
    object.__setattr__(kernel.compose().providers["service/x"].provider, "start_timeout", 0.4)
    async with kernel:
        pass
    assert told[0].provider == "service/x"
    assert "wait_for_the_broker" in told[0].stack


async def test_a_kernel_starts_again_after_a_stop(make):
    """And refuses to be entered twice at once."""
    log = []
    kernel = make(traced(log, "a"))
    for _ in range(2):
        async with kernel:
            with pytest.raises(KernelStateError, match="running already"):
                await kernel.__aenter__()
    assert log == ["+a", "-a"] * 2


async def test_services_are_found_by_type(make):
    """Also by a base class; an absent one says what to do."""

    class Store: ...

    class DiskStore(Store): ...

    kernel = make(Provider(name="store", factory=DiskStore, provides=DiskStore))
    with pytest.raises(UnknownServiceError, match="service/store would, but the kernel is new"):
        kernel.service(Store)
    async with kernel:
        assert isinstance(kernel.service(Store), DiskStore)
        with pytest.raises(UnknownServiceError, match="add a plugin with a service that has provides=Path"):
            kernel.service(anyio.Path)


async def test_a_service_that_its_section_does_not_turn_on_gives_nothing(make):
    """It runs, fails nothing, and is not found; the error says how to turn it on."""

    class Store:
        """What would be there."""

    kernel = make(Provider(name="store", factory=lambda: None, provides=Store))
    async with kernel:
        assert [row.state for row in kernel.plugins() if row.id == "service/store"] == ["running"]
        with pytest.raises(
            UnknownServiceError, match=r"service/store has failed, or is not turned on in plugins\.store"
        ):
            kernel.service(Store)


async def test_an_object_of_the_wrong_shape_is_refused(make):
    """A health check without a check: the error names what is missing."""

    class Mine:
        @hookimpl
        def register_health_checks(self, composition):
            return [Provider(name="mine", factory=object)]

    with pytest.raises(PluginError, match="health_check/mine gave a object: it lacks check, plan"):
        async with make(plugins=[Mine()]):
            pytest.fail("started")


async def test_a_broken_plugin_is_listed_and_told(make):
    """The kernel runs on without it; ``strict`` raises instead."""

    class Bad:
        trivet_name = "bad"

        @hookimpl
        def register_services(self, composition):
            raise OSError("no licence")

    told = []
    kernel = make(plugins=[Bad()])
    kernel.observe(told.append)
    async with kernel:
        assert [row.id for row in kernel.plugins()] == ["plugin/bad"]
        assert kernel.plugins()[0].state == "broken"
    assert any(isinstance(event, PluginBroken) and event.plugin == "bad" for event in told)
    with pytest.raises(PluginError, match="no licence"):
        make(plugins=[Bad()], strict=True).compose()


async def test_events_tell_the_whole_life(make):
    """A stream begun before the start sees everything until the end, and ends."""
    kernel = make(Provider(name="a", factory=object))
    stream = kernel.events()
    async with kernel:
        pass
    events = [event async for event in stream]
    states = [event.state for event in events if isinstance(event, ProviderStateChanged)]
    assert states == ["starting", "running", "stopping", "stopped"]
    kinds = [type(event) for event in events if type(event) in (KernelStarted, KernelStopping, KernelStopped)]
    assert kinds == [KernelStarted, KernelStopping, KernelStopped]


async def test_on_event_hooks_see_events_and_one_that_raises_is_dropped(make):
    """An observer can neither break nor delay what it observes."""
    seen = []

    class Good:
        @hookimpl
        def on_event(self, event):
            seen.append(type(event).__name__)

    class Bad:
        @hookimpl
        def on_event(self, event):
            raise OSError

    async with make(plugins=[Bad(), Good()]):
        pass
    assert "KernelStarted" in seen
    assert "KernelStopped" in seen
    assert seen.count("PluginBroken") == 1


async def test_tasks_run_after_everything_and_are_cancelled_first(make):
    """An application's task may use every service for as long as it runs."""
    log = []
    kernel = make(traced(log, "a"))

    @kernel.task("work")
    async def work():
        log.append("working")
        try:
            await anyio.sleep_forever()
        finally:
            log.append("worked")

    async with kernel:
        await anyio.wait_all_tasks_blocked()
    assert log == ["+a", "working", "worked", "-a"]


async def test_a_task_that_fails_stops_the_kernel_and_one_that_ends_does_not(make):
    """Tasks are supervised like providers; a return is not a failure."""
    kernel = make()

    @kernel.task("short")
    async def short(): ...

    @kernel.task("bad")
    async def bad():
        raise OSError("bus went away")

    with pytest.raises(ProviderFailed, match=r"task/bad .*bus went away"):
        async with kernel:
            await anyio.sleep_forever()


async def test_a_provider_gets_its_section_structured(make):
    """``plugins.<name>`` of the configuration arrives as the attrs object; a wrong value is an error with its place."""

    @attrs.frozen
    class Settings:
        size: int = 10

    got = []
    provider = Provider(
        name="pool", factory=lambda config, kernel: got.append((config, kernel)) or object(), config=Settings
    )
    kernel = make(provider, discover="builtin", block=BLOCK, launch={"assignments": ["plugins.pool.size=20"]})
    async with kernel:
        assert got == [(Settings(20), kernel)]
    wrong = make(provider, discover="builtin", block=BLOCK, launch={"assignments": ["plugins.pool.size=many"]})
    with pytest.raises(ConfigError, match=r"--set #1: error: plugins.pool.size: "):
        async with wrong:
            pytest.fail("started")


BLOCK = ("web", "system", "event_loop", "disk", "memory", "logging", "watcher")
"""Built-ins that a test of the kernel's own mechanics can do without."""


async def test_configuration_enables_and_blocks_plugins(make, tmp_path, monkeypatch):
    """``plugins.enable`` loads an installed plugin, whose config source then takes part; ``plugins.block`` drops one."""
    (tmp_path / "acme_enable.py").write_text(
        "from trivet import Layer, Origin, Provider, hookimpl\n"
        "class Source:\n"
        "    async def load(self, context):\n"
        "        data, locate = {'shop': {'name': 'acme'}}, lambda path: Origin('acme', 'acme')\n"
        "        return [Layer(name='acme', priority=350, data=data, locate=locate)]\n"
        "@hookimpl\n"
        "def register_config_sources(composition):\n"
        "    return [Provider(name='acme', factory=Source)]\n"
    )
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[trivet]\nacme_enable = acme_enable\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "test.toml").write_text('[plugins]\nenable = ["acme_enable"]\nblock = ["yaml"]\n')

    @attrs.frozen
    class Shop:
        name: str

    kernel = make(discover="builtin", block=BLOCK)
    shop = kernel.config.bind("shop", Shop)
    async with kernel:
        assert shop.current.name == "acme"
        ids = {row.id for row in kernel.plugins()}
    assert "config_source/acme" in ids
    assert "config_format/toml" in ids
    assert "config_format/yaml" not in ids


async def test_safe_mode_leaves_third_parties_out(make):
    """TRIVET_SAFE=1 starts with built-ins only."""
    kernel = make(Provider(name="mine", factory=object), environ={"TRIVET_SAFE": "1"})
    async with kernel:
        assert kernel.plugins() == []


async def test_providers_that_share_a_class_have_sections_of_their_own(make):
    """A section belongs to a provider's name, not to its class."""

    @attrs.frozen
    class Size:
        size: int = 1

    got = {}
    one = Provider(name="one", factory=lambda config: got.setdefault("one", config), config=Size)
    two = Provider(name="two", factory=lambda config: got.setdefault("two", config), config=Size)
    kernel = make(one, two, discover="builtin", block=BLOCK, launch={"assignments": ["plugins.one.size=5"]})
    async with kernel:
        assert got == {"one": Size(5), "two": Size(1)}


async def test_a_key_path_may_come_from_a_file_that_a_variable_names(make, tmp_path):
    """``X_FILE`` works for providers that start before the validation as well."""

    @attrs.frozen
    class Settings:
        path: str = ""

    class Mine:
        @hookimpl
        def register_password_hashers(self, composition):
            return [Provider(name="early", factory=early, config=Settings)]

    class Hasher:
        scheme = "none"

        async def hash(self, password): ...

        async def verify(self, password, hashed): ...

        def needs_rehash(self, hashed): ...

    def early(config):
        got.append(config.path)
        return Hasher()

    got = []
    (tmp_path / "value").write_text("secret/place\n")
    environ = {"TEST_PLUGINS__EARLY__PATH_FILE": str(tmp_path / "value")}
    async with make(plugins=[Mine()], discover="builtin", block=BLOCK, environ=environ):
        assert got == ["secret/place"]


async def test_a_fatal_failure_does_not_hide_that_the_body_failed_too(make):
    """The provider's failure is raised; the body's is in its notes."""
    crash = anyio.Event()
    with pytest.raises(ProviderFailed) as caught:
        async with make(mortal(crash)):
            crash.set()
            try:
                await anyio.sleep_forever()
            finally:
                raise ZeroDivisionError("in the body")
    assert caught.value.__notes__ == ["the body raised as well: ZeroDivisionError: in the body"]


async def test_configured_goes_no_further_than_the_configuration(make):
    """What ``trivet check`` runs: sources and ciphers, but no service."""
    log = []
    kernel = make(traced(log, "a"), discover="builtin", block=BLOCK)
    async with kernel.configured():
        assert kernel.config.generation >= 1
    assert log == []


def test_compose_needs_no_event_loop(make):
    """It is pure: no loop, no configuration, no factory is called."""
    kernel = make(Provider(name="a", factory=lambda: pytest.fail("called")))
    assert list(kernel.compose().providers) == ["service/a"]


@pytest.mark.parametrize("name", ["", "1st", "a b", "a/b"])
def test_a_kernel_needs_a_proper_name(name):
    """It becomes a prefix of variables and a part of file names."""
    with pytest.raises(ValueError, match="letters, digits"):
        Kernel(name)
