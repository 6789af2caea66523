"""What a source with settings of its own starts with: the settings of the local sources, their references resolved."""

from __future__ import annotations

import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Layer, Origin, Provider, Resolved, Secret, hookimpl
from trivet.config.layer import REMOTE
from trivet.testing import memory_config


@attrs.frozen
class StoreConfig:
    token: Secret[str] = Secret("none")  # noqa: RUF009 - it cannot change
    place: str = ""


class Store:
    """A remote source."""

    trivet_name = "store"

    def __init__(self):
        self.configs = []

    def make(self, config):
        self.configs.append(config)
        return self

    async def load(self, context):
        origin = Origin("store", "store")
        return [Layer(name="store", priority=REMOTE, data={"section": {"value": 1}}, locate=lambda _: origin)]

    @hookimpl
    def register_config_sources(self, composition):
        return [Provider(name="store", factory=self.make, config=StoreConfig)]


class Vault:
    """A resolver that counts."""

    trivet_name = "vault"
    scheme, bare = "vault", True

    def __init__(self):
        self.asked = []

    async def resolve(self, argument, context):
        self.asked.append(context.path)
        if argument == "gone":
            raise ValueError("nothing is kept under that name")
        return Resolved(f"opened {argument}", secret=True)

    @hookimpl
    def register_resolvers(self, composition):
        return [Provider(name="vault", factory=lambda: self)]


@attrs.frozen
class Section:
    value: int = 0
    password: Secret[str] | None = None


def kernel_with(data):
    store, vault = Store(), Vault()
    plugins = [store, vault, memory_config(data)]
    kernel = Kernel("early", plugins=plugins, discover="none", strict=True, launch=Launch(environ={}))
    return kernel, kernel.config.bind("section", Section), store, vault


async def test_a_remote_source_starts_with_opened_settings():
    """And what its values then mix with is opened as ever."""
    data = {"plugins": {"store": {"token": "vault:a", "place": "here"}}, "section": {"password": "vault:b"}}
    kernel, live, store, _ = kernel_with(data)
    async with kernel:
        assert store.configs == [StoreConfig(Secret("opened a"), "here")]
        assert live.current == Section(1, Secret("opened b"))


async def test_a_setting_that_does_not_open_is_told_with_its_place_before_anything_is_asked():
    kernel, _, store, _ = kernel_with({"plugins": {"store": {"token": "vault:gone"}}})
    with pytest.raises(ConfigError, match=r"plugins\.store\.token: nothing is kept under that name"):
        async with kernel:
            pass
    assert store.configs == []


async def test_nothing_is_opened_early_where_no_remote_source_has_settings():
    """Every opening is an entry in the audit log: the value is opened once, for the configuration itself."""
    kernel, _, _, vault = kernel_with({"section": {"password": "vault:b"}})
    async with kernel:
        assert vault.asked == [("section", "password")]


async def test_what_does_not_open_elsewhere_waits_for_the_full_report():
    data = {"plugins": {"store": {"token": "vault:a"}}, "section": {"password": "vault:gone", "valu": 1}}
    kernel, _, store, _ = kernel_with(data)
    with pytest.raises(ConfigError) as caught:
        async with kernel:
            pass
    assert store.configs == [StoreConfig(Secret("opened a"))]
    assert len(caught.value.problems) == 2
