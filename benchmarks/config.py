"""Configuration: what a read costs, and a load of files with a hundredth of the keys overridden by the environment.

Every side loads the same file into typed objects of the same shape (dynaconf and OmegaConf as far as they have types), and
every side is asked for an overridden value and one from the file before it is timed.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import tomli_w
import yaml

from benchmarks.harness import Block, Contest, Goal, Peer, at_most, awaits, calls, faster, measure, statement
from trivet import Kernel, Launch, Live
from trivet_plugins.config import environment as environment_plugin
from trivet_plugins.config import files as files_plugin
from trivet_plugins.config import toml as toml_plugin
from trivet_plugins.config import yaml as yaml_plugin

SECTIONS = 10
GROUPS = 10
NAME = "bench"
PREFIX = "BENCH_"
OVERRIDDEN = 7_777

# The shape once more for each library: ten settings in a group, ten (or a hundred) groups in a section, ten sections.
SETTINGS: dict[str, Any] = {
    "url": "postgres://db.internal:5432/orders",
    "user": "orders",
    "region": "eu-central-1",
    "size": 10,
    "limit": 5_000,
    "port": 5_432,
    "ratio": 0.75,
    "timeout": 2.5,
    "debug": False,
    "enabled": True,
}
TYPES = {name: type(value) for name, value in SETTINGS.items()}


@attrs.frozen
class Shape:
    """A file of ``keys`` settings in ten sections, and the environment that overrides every hundredth of them."""

    keys: int

    @property
    def groups(self) -> int:
        """Groups per section."""
        return self.keys // SECTIONS // len(SETTINGS)

    def tree(self) -> dict[str, Any]:
        """Make the content of the file."""
        names = [f"group_{number}" for number in range(self.groups)]
        return {f"section_{number}": {name: dict(SETTINGS) for name in names} for number in range(SECTIONS)}

    def environ(self) -> dict[str, str]:
        """Override the size in the first groups of every section."""
        paths = ((section, group) for section in range(SECTIONS) for group in range(self.groups // SECTIONS))
        return {f"{PREFIX}SECTION_{section}__GROUP_{group}__SIZE": str(OVERRIDDEN) for section, group in paths}

    def write(self, path: Path) -> Path:
        """Write the file in the format of its suffix."""
        text = tomli_w.dumps(self.tree()) if path.suffix == ".toml" else yaml.safe_dump(self.tree(), sort_keys=False)
        path.write_text(text)
        return path


def nested(shape: Shape, make: Callable[[str, Mapping[str, type]], type]) -> tuple[type, dict[str, type]]:
    """Build the classes of a library: returns that of a section, and the fields of the root."""
    group = make("Group", TYPES)
    section = make("Section", {f"group_{number}": group for number in range(shape.groups)})
    return section, {f"section_{number}": section for number in range(SECTIONS)}


def prove(shape: Shape, root: Any) -> None:
    """Ask for an overridden value and for one that only the file has."""
    last = getattr(root.section_9, f"group_{shape.groups - 1}")
    found = root.section_3.group_0.size, last.size
    assert found == (OVERRIDDEN, SETTINGS["size"]), found


# -- trivet -------------------------------------------------------------------------------------------------------------------


def trivet_load(shape: Shape, path: Path, plugin: ModuleType) -> Block:
    """Make a kernel, bind ten sections, load, validate: positions, merge, origins and types included."""

    def make(name: str, fields: Mapping[str, type]) -> type:
        return attrs.make_class(name, {field: attrs.field(type=kind) for field, kind in fields.items()}, frozen=True)

    async def load() -> Any:
        launch = Launch(files=(path,), environ=shape.environ())
        kernel = Kernel(NAME, plugins=[files_plugin, environment_plugin, plugin], discover="none", launch=launch)
        lives: dict[str, Live[Any]] = {name: kernel.config.bind(name, kind) for name, kind in fields.items()}
        async with kernel.configured():
            return lives

    async def check() -> None:
        lives = await load()
        prove(shape, attrs.make_class("Root", list(lives))(**{name: live.current for name, live in lives.items()}))

    _, fields = nested(shape, make)
    awaits(check)(1)
    return awaits(load)


# -- peers --------------------------------------------------------------------------------------------------------------------


def dataclass(name: str, fields: Mapping[str, type]) -> type:
    """Make a dataclass."""
    return dataclasses.make_dataclass(name, list(fields.items()), frozen=True)


def proved(shape: Shape, load: Callable[[], Any]) -> Block:
    """Check a load once, then time it."""
    prove(shape, load())
    return calls(load)


def dynamic_config_load(shape: Shape, path: Path) -> Block:
    """Load with dynamic-config-py into dataclasses."""
    from dynamic_config import DynamicConfig

    root = dataclass("Root", nested(shape, dataclass)[1])
    return proved(
        shape,
        lambda: DynamicConfig(root, "").whole_document().file(str(path)).env(PREFIX).nest("__").init_and_current(),
    )


def pydantic_load(shape: Shape, path: Path) -> Block:
    """Load with pydantic-settings into models."""
    import pydantic
    from pydantic_settings import BaseSettings, SettingsConfigDict, TomlConfigSettingsSource, YamlConfigSettingsSource

    create: Any = pydantic.create_model

    class Base(BaseSettings):  # type: ignore[misc,unused-ignore]  # pydantic-settings is not installed where mypy runs
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, **sources: Any) -> Any:
            source = TomlConfigSettingsSource if path.suffix == ".toml" else YamlConfigSettingsSource
            return sources["env_settings"], source(settings_cls, path)

    def make(name: str, fields: Mapping[str, type]) -> Any:
        return create(name, **{field: (kind, ...) for field, kind in fields.items()})

    root = create("Root", __base__=Base, **{name: (kind, ...) for name, kind in nested(shape, make)[1].items()})
    return proved(shape, root)


def dynaconf_load(shape: Shape, path: Path) -> Block:
    """Load with dynaconf, which is untyped and lazy: the first read loads."""
    from dynaconf import Dynaconf

    def load() -> Any:
        settings = Dynaconf(settings_files=[str(path)], envvar_prefix=NAME.upper())
        assert settings.section_0
        return settings

    return proved(shape, load)


def omegaconf_load(shape: Shape, path: Path) -> Block:
    """Load with OmegaConf, merged into a structured configuration."""
    from omegaconf import OmegaConf

    def load() -> Any:
        found = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        dots = [f"{name.removeprefix(PREFIX).lower().replace('__', '.')}={value}" for name, value in found.items()]
        return OmegaConf.merge(OmegaConf.structured(root), OmegaConf.load(path), OmegaConf.from_dotlist(dots))

    def with_default(name: str, fields: Mapping[str, type]) -> type:
        return dataclasses.make_dataclass(name, [(field, kind, missing) for field, kind in fields.items()])

    missing: Any = "???"
    root = with_default("Root", nested(shape, with_default)[1])
    return proved(shape, load)


LOADERS = {
    "dynamic-config-py": dynamic_config_load,
    "pydantic-settings": pydantic_load,
    "dynaconf": dynaconf_load,
    "OmegaConf": omegaconf_load,
}


@contextmanager
def loading(keys: int, suffix: str, plugin: ModuleType, goals: Mapping[str, Goal]) -> Iterator[Contest]:
    """Write the file, set the environment, and set ours against the peers of ``goals``."""
    shape = Shape(keys)
    os.environ.update(shape.environ())
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = shape.write(Path(folder, f"bench{suffix}"))
            peers = [Peer(name, partial(LOADERS[name], shape, path), goal) for name, goal in goals.items()]
            yield Contest(trivet_load(shape, path, plugin), peers, rounds=7)
    finally:
        for name in shape.environ():
            del os.environ[name]


@measure("load 1,000 YAML keys")
def load_1_000_yaml() -> Any:
    """Load a file as a service has it."""
    goals = {
        "dynamic-config-py": at_most(1.3),
        "pydantic-settings": faster(5),
        "dynaconf": faster(5),
        "OmegaConf": faster(5),
    }
    return loading(1_000, ".yaml", yaml_plugin, goals)


@measure("load 10,000 YAML keys")
def load_10_000_yaml() -> Any:
    """Load a file that nobody should have."""
    goals = {"dynamic-config-py": at_most(2.4), "pydantic-settings": faster(3), "dynaconf": faster(3)}
    return loading(10_000, ".yaml", yaml_plugin, goals)


@measure("load 10,000 TOML keys")
def load_10_000_toml() -> Any:
    """Load the same as TOML."""
    return loading(10_000, ".toml", toml_plugin, {"dynaconf": faster(2)})


# -- a read -------------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Pool:
    """What is read."""

    size: int = 10


@attrs.frozen
class Database:
    """Holds what is read."""

    pool: Pool = attrs.field(factory=Pool)


@measure("read live.current.pool.size")
@contextmanager
def read() -> Iterator[Contest]:
    """Read one setting of a running kernel, without the cost of a call."""
    peers = {
        "plain attrs": (read_attrs, at_most(1.3)),
        "dynamic-config-py": (read_dynamic_config, at_most(1)),
        "pydantic-settings": (read_pydantic, at_most(1)),
        "dynaconf": (read_dynaconf, at_most(1)),
        "OmegaConf": (read_omegaconf, at_most(1)),
    }
    kernel = Kernel(NAME, discover="none")
    live = kernel.config.bind("database", Database)
    with kernel.blocking():
        assert live.current.pool.size == SETTINGS["size"]
        yield Contest(
            statement("live.current.pool.size", live=live), [Peer(name, *peer) for name, peer in peers.items()]
        )


def read_attrs() -> Block:
    """Read the same two levels of a plain object."""
    return statement("database.pool.size", database=Database())


def read_dynamic_config() -> Block:
    """Read from an initialised dynamic-config-py."""
    from dynamic_config import DynamicConfig

    pool = dataclasses.make_dataclass("Pool", [("size", int, 10)], frozen=True)
    database = dataclasses.make_dataclass(
        "Database", [("pool", pool, dataclasses.field(default_factory=pool))], frozen=True
    )
    config = DynamicConfig(database, "database")
    config.init()
    return statement("config.current().pool.size", config=config)


def read_pydantic() -> Block:
    """Read from a pydantic-settings object."""
    from pydantic import create_model
    from pydantic_settings import BaseSettings

    pool = create_model("Pool", size=(int, 10))
    settings = create_model("Settings", __base__=BaseSettings, pool=(pool, pool()))()
    return statement("settings.pool.size", settings=settings)


def read_dynaconf() -> Block:
    """Read from a Dynaconf object."""
    from dynaconf import Dynaconf

    settings = Dynaconf(pool={"size": 10})
    assert settings.pool.size == SETTINGS["size"]
    return statement("settings.pool.size", settings=settings)


def read_omegaconf() -> Block:
    """Read from an OmegaConf object."""
    from omegaconf import OmegaConf

    return statement("config.pool.size", config=OmegaConf.create({"pool": {"size": 10}}))
