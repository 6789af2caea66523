"""What the last known good configuration promises: a start while a source is down, loudly, and no secret in the clear."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Layer, Origin, Problem, Provider, Secret, Status, durable_file, hookimpl
from trivet.config import loading
from trivet.config.layer import DELETE
from trivet.config.remembered import Remembered
from trivet.events import ConfigWarning
from trivet_plugins.security.keys.file import KeyFile

CANARY = "canary-5up3r-s3cr3t"
SECONDS = 10


@attrs.frozen
class Database:
    host: str = "localhost"
    size: int = 1
    since: dt.datetime | None = None
    password: Secret[str] | None = None


@attrs.define
class Store:
    """A remote store: gives its data, or what it was told instead."""

    data: dict
    down: str = ""
    problems: tuple = ()

    async def load(self, context):
        if self.down == "hangs":
            await anyio.sleep_forever()
        if self.down:
            raise ConnectionError(self.down)
        origin = Origin("store", "store:/orders", 3, 5)
        layer = Layer(name="store", priority=400, data=self.data, locate=lambda _: origin, problems=self.problems)
        return [layer]


@attrs.define
class Service:
    """Lives of one service, in a directory, with a store that may be down."""

    directory: object
    store: Store
    name: str = "orders"
    events: list = attrs.field(factory=list)

    @property
    def file(self):
        return self.directory / "good.json"

    def kernel(self, *, on=True, **more):
        @hookimpl
        def register_config_sources(composition):
            return [Provider(name="store", factory=lambda: self.store)]

        plugin = type("StorePlugin", (), {"register_config_sources": staticmethod(register_config_sources)})()
        keys = json.dumps(str(self.directory / "orders.keys"))
        launch = Launch(
            last_known_good=self.file if on else None,
            assignments=(f"plugins.key_file.path={keys}",),
            environ={},
            **more,
        )
        names = ["command_line", "files", "toml", "aes_gcm", "key_file", "sealed", "kernel"]
        kernel = Kernel(self.name, plugins=[*names, plugin], discover="none", launch=launch, strict=True)
        self.events = []
        kernel.observe(self.events.append)
        return kernel

    @property
    def warnings(self):
        return [event.message for event in self.events if isinstance(event, ConfigWarning)]

    def make_keys(self):
        KeyFile(self.directory / "orders.keys").create(suite=2)

    @asynccontextmanager
    async def life(self, **more):
        kernel = self.kernel(**more)
        live = kernel.config.bind("database", Database)
        async with kernel:
            yield kernel, live

    async def live_once(self):
        """Run until the file is written anew."""
        before = self.file.stat().st_ino if self.file.exists() else None
        async with self.life():
            await until(lambda: self.file.exists() and self.file.stat().st_ino != before)


async def until(condition):
    with anyio.fail_after(SECONDS):
        while not condition():
            await anyio.sleep(0.01)


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Service(tmp_path, Store({"database": {"host": "db1", "size": 7}}))


@pytest.fixture
def sealing(service):
    """A service with keys and a secret."""
    service.make_keys()
    service.store.data = {"database": {"host": "db1", "password": CANARY}}
    return service


async def test_without_the_file_a_source_that_is_down_stops_the_start(service):
    service.store.down = "connection refused"
    with pytest.raises(ConfigError, match="config_source/store: error: the source could not be loaded"):
        async with service.life():
            pass
    assert not service.file.exists()
    assert service.warnings == []


async def test_what_is_off_keeps_nothing_and_uses_nothing(service):
    await service.live_once()
    written = service.file.stat().st_mtime_ns
    async with service.life(on=False) as (kernel, _):
        await kernel.config.reload()
        assert kernel.config._store.memory._loaded is None
    assert service.file.stat().st_mtime_ns == written
    service.store.down = "connection refused"
    with pytest.raises(ConfigError):
        async with service.life(on=False):
            pass


async def test_a_source_that_is_down_is_stood_in_for_and_the_rest_is_loaded(service, tmp_path):
    """Loudly: a warning, health, and origins that say it."""
    await service.live_once()
    assert stat.S_IMODE(service.file.stat().st_mode) == 0o600
    service.store.down = "connection refused"
    (tmp_path / "orders.toml").write_text("[database]\nhost = 'file'\nsize = 9\n")
    (tmp_path / "more.toml").write_text("[database]\nsince = 2026-01-01T00:00:00Z\n")
    async with service.life(files=[tmp_path / "more.toml"]) as (kernel, live):
        assert (live.current.host, live.current.size) == ("db1", 7)
        assert live.current.since == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        assert kernel.config.explain("database.host").origin.note.startswith("last known good, 20")
        (warning,) = service.warnings
        assert "config_source/store" in warning
        assert str(service.file) in warning
        assert "connection refused" in warning
        await kernel.health.refresh("ready")
        result = kernel.health.results["configuration"]
        assert result.status is Status.WARN
        assert "last known good" in result.output


async def test_a_source_that_hangs_is_down_as_well(service, monkeypatch):
    await service.live_once()
    monkeypatch.setattr(loading, "SOURCE_SECONDS", 0.3)
    service.store.down = "hangs"
    async with service.life() as (_, live):
        assert live.current.host == "db1"


async def test_a_reload_ends_it_when_the_source_is_back(service):
    """Until then the file stays as it is: its age is that of what it holds."""
    await service.live_once()
    written = service.file.read_bytes()
    service.store.down = "connection refused"
    async with service.life() as (kernel, _live):
        assert (await kernel.config.reload()).applied
        await anyio.sleep(0.2)
        assert kernel.config.stand_in.sources == ("store",)
        assert service.file.read_bytes() == written
        service.store.down = ""
        assert (await kernel.config.reload()).applied
        assert kernel.config.stand_in is None
        assert kernel.config.explain("database.host").origin == Origin("store", "store:/orders", 3, 5)
        await kernel.health.refresh("ready")
        assert kernel.health.results["configuration"].status is Status.PASS
        await until(lambda: service.file.read_bytes() != written)


async def test_a_reload_while_a_source_is_down_builds_on_what_it_gave_before(service, tmp_path):
    """An urgent change of a file is not held up by a store that is down since the start; it is told once, and health warns on."""
    await service.live_once()
    service.store.down = "connection refused"
    path = tmp_path / "more.toml"
    path.write_text("[database]\nsince = 2026-01-01T00:00:00Z\n")
    async with service.life(files=[path]) as (kernel, live):
        kept = kernel.config.stand_in
        path.write_text("[database]\nsince = 2027-01-01T00:00:00Z\n")
        outcome = await kernel.config.reload()
        assert (outcome.applied, outcome.changed) == (True, ("database.since",))
        assert (live.current.host, live.current.size, live.current.since.year) == ("db1", 7, 2027)
        assert kernel.config.explain("database.host").origin.note.startswith("last known good, 20")
        path.write_text("[database]\nsince = 5\n")
        assert not (await kernel.config.reload()).applied
        assert kernel.config.stand_in == kept
        assert len(service.warnings) == 1
        await kernel.health.refresh("ready")
        assert kernel.health.results["configuration"].status is Status.WARN
        service.store.down, service.store.data = "", {"database": {"host": "db2"}}
        path.write_text("")
        assert (await kernel.config.reload()).applied
        assert (live.current.host, kernel.config.stand_in) == ("db2", None)


async def test_so_it_is_where_a_source_goes_down_while_the_service_runs(service, tmp_path):
    """What it gave last is in memory; the file is not read, and not written until the source is back."""
    path = tmp_path / "more.toml"
    path.write_text("")
    async with service.life(files=[path]) as (kernel, live):
        await until(service.file.exists)
        written = service.file.read_bytes()
        service.store.down = "connection refused"
        path.write_text("[database]\nsince = 2027-01-01T00:00:00Z\n")
        for _ in range(2):
            assert (await kernel.config.reload()).applied
        assert (live.current.host, live.current.since.year) == ("db1", 2027)
        (warning,) = service.warnings
        assert warning.startswith("config_source/store: last known good of 20")
        assert "connection refused" in warning
        assert kernel.config.stand_in.path is None
        assert str(kernel.config.explain("database.size").origin).startswith("store:/orders:3:5 (last known good, 20")
        await kernel.health.refresh("ready")
        assert "last known good" in kernel.health.results["configuration"].output
        await anyio.sleep(0.2)
        assert service.file.read_bytes() == written
        service.store.down = ""
        assert (await kernel.config.reload()).applied
        assert (kernel.config.stand_in, str(kernel.config.explain("database.size").origin)) == (
            None,
            "store:/orders:3:5",
        )
        await until(lambda: service.file.read_bytes() != written)


async def test_without_the_file_a_reload_while_a_source_is_down_is_rejected(service, tmp_path):
    """Nobody asked for old values: what is in force stays, with the reason, until the source is back."""
    path = tmp_path / "more.toml"
    path.write_text("")
    async with service.life(on=False, files=[path]) as (kernel, live):
        service.store.down = "connection refused"
        path.write_text("[database]\nsince = 2027-01-01T00:00:00Z\n")
        outcome = await kernel.config.reload()
        assert not outcome.applied
        assert "connection refused" in str(outcome.problems[0])
        assert (live.current.since, kernel.config.stand_in) == (None, None)
        service.store.down = ""
        assert (await kernel.config.reload()).applied
        assert live.current.since.year == 2027


async def test_a_plugin_that_only_the_missing_source_enables_stops_the_start_with_its_name(service):
    """Before the keys are there nobody can tell whether the file is ours, so it does not say which plugins run."""
    service.store.data = {"database": {"host": "db1"}, "plugins": {"enable": ["watcher"], "watcher": {"debounce": 1.0}}}
    await service.live_once()
    service.store.down = "connection refused"
    with pytest.raises(ConfigError) as caught:
        async with service.life():
            pass
    (line,) = str(caught.value).split("\n")
    assert line.startswith("store:/orders:3:5 (last known good, 20")
    assert "error: plugins.watcher: unknown key: no plugin that is loaded has a section of this name" in line


async def test_a_later_generation_is_kept_and_a_rejected_one_is_not(service):
    async with service.life() as (kernel, _):
        await until(service.file.exists)
        service.store.data = {"database": {"host": "db2"}}
        await kernel.config.reload()
        await until(lambda: b"db2" in service.file.read_bytes())
        service.store.data = {"database": {"host": "db3", "size": "many"}}
        assert not (await kernel.config.reload()).applied
    assert b"db3" not in service.file.read_bytes()
    service.store.down = "connection refused"
    async with service.life() as (_, live):
        assert live.current.host == "db2"


@pytest.mark.parametrize("bad", ["document", "value"])
async def test_it_never_hides_what_is_wrong(service, bad):
    await service.live_once()
    service.store.data = {"database": {"host": 5}} if bad == "value" else {}
    service.store.problems = (Problem("not valid TOML"),) if bad == "document" else ()
    with pytest.raises(ConfigError, match="not valid TOML" if bad == "document" else r"database\.host"):
        async with service.life():
            pass
    assert service.warnings == []


async def test_a_document_that_is_out_of_reach_counts_as_down_unless_another_is_bad(service):
    """A source of several documents says so by `Problem.down`."""
    await service.live_once()
    silent = Problem("does not answer", down=True)
    service.store.data, service.store.problems = {}, (silent,)
    async with service.life() as (_, live):
        assert live.current.host == "db1"
    service.store.problems = (silent, Problem("not valid TOML"))
    with pytest.raises(ConfigError, match="not valid TOML"):
        async with service.life():
            pass


async def test_with_keys_it_is_sealed(sealing):
    await sealing.live_once()
    content = sealing.file.read_text()
    assert CANARY not in content
    assert "db1" not in content
    assert "trivet:1:" in content
    sealing.store.down = "connection refused"
    async with sealing.life() as (_, live):
        assert live.current.password.reveal() == CANARY
        assert live.current.host == "db1"
    assert CANARY not in repr(sealing.events)


async def test_without_keys_secrets_are_not_kept(service):
    """Once said, not at every reload."""
    service.store.data = {"database": {"password": CANARY}}
    async with service.life() as (kernel, _):
        await until(lambda: service.warnings)
        await kernel.config.reload()
        service.store.data = {"database": {"password": CANARY + "2"}}
        await kernel.config.reload()
        await anyio.sleep(0.1)
    (warning,) = service.warnings
    assert "trivet secrets init" in warning
    assert CANARY not in warning
    assert [path.name for path in service.directory.iterdir()] == []


@pytest.mark.parametrize(
    "set_",
    [
        'database={"password": "canary-5up3r-s3cr3t"}',
        "database.host=https://me:canary-5up3r-s3cr3t@db",
        "database.password=canary-5up3r-s3cr3t",
    ],
)
async def test_secrets_in_text_and_in_urls_are_secrets_too(service, set_):
    kernel = service.kernel()
    kernel.launch = attrs.evolve(kernel.launch, assignments=(*kernel.launch.assignments, set_))
    kernel.config.bind("database", Database)
    async with kernel:
        await until(lambda: service.warnings)
    assert not service.file.exists()


async def test_a_long_one_is_sealed_in_parts_that_belong_together(sealing):
    sealing.store.data = {"database": {"host": "x" * 200_000}}
    await sealing.live_once()
    first = json.loads(sealing.file.read_text())
    assert len(first["sealed"]) > 3
    sealing.store.down = "connection refused"
    async with sealing.life() as (_, live):
        assert live.current.host == "x" * 200_000
    for parts in (first["sealed"][:-1], [first["sealed"][1], first["sealed"][0], *first["sealed"][2:]]):
        sealing.file.write_text(json.dumps({**first, "sealed": parts}))
        await refused(sealing, "does not open")


async def refused(service, why):
    """The start fails as if there were no file, and one line says why."""
    service.store.down = "connection refused"
    with pytest.raises(ConfigError, match="the source could not be loaded"):
        async with service.life():
            pass
    (warning,) = service.warnings
    assert f"the last known good configuration in {service.file} is not used: " in warning
    assert why in warning
    assert "\n" not in warning


def changed(change):
    """Change the file's JSON."""

    def apply(file):
        file.write_text(json.dumps(change(json.loads(file.read_text()))))

    return apply


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_text(file.read_text()[:-9]), "damaged"),
        (lambda file: file.write_bytes(b"\xff" * 9), "damaged"),
        (lambda file: file.write_text("[" * 100_000), "damaged"),
        (changed(lambda data: []), "damaged"),
        (changed(lambda data: {**data, "body": 5}), "damaged"),
        (changed(lambda data: {**data, "body": '{"saved": 1, "sources": {"store": [{}]}}'}), "damaged"),
        (changed(lambda data: {**data, "body": '{"saved": "NaN", "sources": {}}'}), "damaged"),
        (changed(lambda data: {**data, "trivet_last_known_good": 99}), "another version"),
        (changed(lambda data: {**data, "kernel": "billing"}), "another kernel ('billing')"),
        (lambda file: file.chmod(0o640), "open to others"),
        (lambda file: (file.unlink(), file.mkdir()), "no regular file"),
        (lambda file: (file.unlink(), os.mkfifo(file, 0o600)), "no regular file"),
    ],
)
async def test_a_file_that_cannot_be_trusted_counts_as_none(service, spoil, why):
    await service.live_once()
    spoil(service.file)
    await refused(service, why)


async def test_a_sealed_file_that_was_tampered_with_counts_as_none(sealing):
    await sealing.live_once()
    data = json.loads(sealing.file.read_text())
    sealed = data["sealed"][0]
    middle = len(sealed) // 2
    other = "A" if sealed[middle] != "A" else "B"
    sealing.file.write_text(json.dumps({**data, "sealed": [sealed[:middle] + other + sealed[middle + 1 :]]}))
    await refused(sealing, "does not open")


async def test_what_is_not_sealed_is_not_taken_where_there_are_keys(service):
    await service.live_once()
    service.make_keys()
    await refused(service, "not sealed")


async def test_a_sealed_file_without_its_keys_counts_as_none(sealing):
    await sealing.live_once()
    (sealing.directory / "orders.keys").unlink()
    await refused(sealing, "does not open")


async def test_a_source_that_the_file_does_not_know_is_still_missing(service):
    await service.live_once()
    data = json.loads(service.file.read_text())
    body = json.loads(data["body"])
    del body["sources"]["store"]
    service.file.write_text(json.dumps({**data, "body": json.dumps(body)}))
    service.store.down = "connection refused"
    with pytest.raises(ConfigError, match="the source could not be loaded"):
        async with service.life():
            pass


async def test_a_failing_write_is_a_warning_and_no_more(service, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_file, "create", full)
    async with service.life() as (kernel, _):
        await until(lambda: service.warnings)
        service.store.data = {"database": {"host": "db2"}}
        assert (await kernel.config.reload()).applied
        await anyio.sleep(0.1)
    (warning,) = service.warnings
    assert "No space left on device" in warning
    assert str(service.file) in warning


async def test_a_directory_that_is_not_there_is_a_warning(service):
    service.directory /= "none"
    async with service.life():
        await until(lambda: service.warnings)
    assert "No such file or directory" in service.warnings[0]


@pytest.mark.parametrize("theirs", ["[database]\n", '{\n "trivet_last_known_good": 1, "kernel": "billing"}'])
async def test_a_file_of_something_else_is_never_written_over(service, theirs):
    service.file.write_text(theirs)
    async with service.life():
        await until(lambda: service.warnings)
    assert service.file.read_text() == theirs


async def test_to_look_at_the_configuration_writes_nothing(service):
    """``trivet check`` and its kin leave the file alone."""
    kernel = service.kernel()
    kernel.config.bind("database", Database)
    async with kernel.configured():
        await anyio.sleep(0.1)
    assert not service.file.exists()


async def test_the_variable_names_the_file(service):
    kernel = service.kernel(on=False)
    kernel.launch = attrs.evolve(kernel.launch, environ={"TRIVET_LAST_KNOWN_GOOD": str(service.file)})
    kernel.config.bind("database", Database)
    async with kernel:
        await until(service.file.exists)


def test_each_life_of_a_kernel_keeps_what_is_good(service):
    """The second on an event loop of its own."""

    async def life():
        async with kernel:
            await until(service.file.exists)

    kernel = service.kernel()
    kernel.config.bind("database", Database)
    for backend in ("asyncio", "asyncio", "trio"):
        anyio.run(life, backend=backend)
        service.file.unlink()


def test_every_value_of_a_layer_comes_back():
    """Types that JSON has not, removals, and tables that look like the marks of those."""
    data = {
        "when": dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        "naive": dt.datetime(2026, 1, 2),  # noqa: DTZ001 - TOML has local times
        "day": dt.date(2026, 1, 2),
        "noon": dt.time(12, 0, 0, 5),
        "raw": b"\x00\xff",
        "numbers": [1, 1.0, True, None, float("inf"), 10**40],
        "text": "\ud800 é ${x}",
        "gone": DELETE,
        "table": {"bytes": "AA==", "delete": True, "": {}},
        "lists": [[], [{"datetime": "x"}]],
    }
    layer = Layer(
        name="a", priority=5, data=data, locate=lambda at: Origin("a", str(at), 1), text=True, secret=True, remote=True
    )
    kept = json.loads(json.dumps(Remembered(0.0, {"one": [layer]}).dump()))
    back = Remembered.load(kept).sources["one"][0]
    assert back.data == data
    assert [type(one) for one in back.data["numbers"]] == [type(one) for one in data["numbers"]]
    assert back.data["gone"] is DELETE
    assert (back.name, back.priority, back.text, back.secret, back.remote) == ("a", 5, True, True, True)
    place = str(back.locate(("lists", 1, 0)))
    assert place == "('lists', 1, 0):1 (last known good, 1970-01-01T00:00:00Z)"


def test_a_value_that_cannot_be_kept_is_named_without_being_shown():
    layer = Layer(name="a", priority=5, data={"a": {"b": Secret(CANARY)}}, locate=lambda at: Origin("a", "a"))
    with pytest.raises(ValueError, match=r"^a\.b: a Secret cannot be written down$"):
        Remembered(0.0, {"one": [layer]}).dump()
