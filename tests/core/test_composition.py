"""Composition is pure: it decides what would run, in which order, or says what does not fit and what to do."""

from __future__ import annotations

import attrs
import pytest

from trivet.composition import Composition, Declared, compose
from trivet.errors import CompositionError, ProviderConflict, RequirementCycle, RequirementError
from trivet.launch import Launch
from trivet.phase import Phase
from trivet.plugin import Plugin
from trivet.provider import Provider


def offer(kind, name, plugin="one", **options):
    options.setdefault("factory", object)
    return Declared(kind, Provider(name=name, **options), Plugin(plugin, object()))


def composed(*declared, missing=None):
    return compose(Composition(kernel="test", launch=Launch()), declared, missing or {})


def order(composition):
    return [id_ for phase in Phase for wave in composition.waves[phase] for id_ in wave]


def test_requirements_start_first_and_independent_providers_together():
    """A provider starts in a later wave than what it requires; what is independent shares a wave."""
    composition = composed(
        offer("service", "web", requires=("service/store",)),
        offer("service", "store", requires=("service/disk",)),
        offer("service", "disk"),
        offer("service", "clock"),
    )
    assert composition.waves[Phase.SERVICE] == (("service/clock", "service/disk"), ("service/store",), ("service/web",))


def test_phases_follow_the_boot_order():
    """Local sources before ciphers before remote sources before services before tasks."""

    @attrs.frozen
    class Settings:
        url: str = ""

    composition = composed(
        offer("task", "work"),
        offer("service", "web"),
        offer("config_source", "etcd", config=Settings),
        offer("cipher", "aes"),
        offer("config_source", "files"),
    )
    assert order(composition) == ["config_source/files", "cipher/aes", "config_source/etcd", "service/web", "task/work"]


def test_a_service_that_an_early_provider_requires_starts_early():
    """A resolver that requires the key ring service pulls it, and what that requires, before the validation."""
    composition = composed(
        offer("resolver", "sealed", requires=("service/ring",)),
        offer("service", "ring", requires=("service/disk",)),
        offer("service", "disk"),
    )
    assert composition.waves[Phase.SECURITY] == (("service/disk",), ("service/ring",), ("resolver/sealed",))


def test_what_a_provider_comes_after_starts_first_where_it_takes_part():
    """``after`` orders and demands nothing: ids, replacements put in, and whole kinds; what is not there is no error."""
    composition = composed(
        offer("resolver", "sealed", requires=("service/ring",)),
        offer("service", "ring", after=("service/level", "key_source/*", "cipher/old", "service/nobody")),
        offer("service", "level"),
        offer("key_source", "file"),
        offer("key_source", "vault", requires=("service/client",)),
        offer("service", "client"),
        offer("cipher", "old"),
        offer("cipher", "new", replaces="cipher/old"),
        offer("cipher", "other"),
    )
    waves = composition.waves[Phase.SECURITY]
    position = {id_: number for number, wave in enumerate(waves) for id_ in wave}
    assert all(
        position[one] < position["service/ring"]
        for one in ("service/level", "key_source/file", "key_source/vault", "cipher/new")
    )
    assert composition.requirements("service/ring") == ()
    assert position["resolver/sealed"] > position["service/ring"]


def test_what_is_unavailable_is_not_waited_for():
    """A missing extra takes nobody along who only comes after it."""
    ring = offer("service", "ring", after=("key_source/*",))
    composition = composed(ring, offer("key_source", "vault"), missing={"key_source/vault": "pip install"})
    assert order(composition) == ["service/ring"]


def test_coming_after_each_other_is_a_circle():
    """And the error shows it."""
    with pytest.raises(RequirementCycle):
        composed(offer("service", "a", after=("service/b",)), offer("service", "b", after=("service/a",)))


@pytest.mark.parametrize("after", ["ring", "service/", "*/ring", "service/*x"])
def test_after_takes_ids_and_kinds_only(after):
    """A typo is an error where it is written."""
    with pytest.raises(ValueError, match="after must name provider ids or whole kinds"):
        offer("service", "web", after=(after,))


def test_two_providers_of_one_id_conflict_with_both_names_and_the_remedy():
    """The error names the id, both plugins and what to do."""
    with pytest.raises(ProviderConflict) as caught:
        composed(offer("cipher", "aes", plugin="trivet_aes"), offer("cipher", "aes", plugin="acme"))
    assert str(caught.value) == (
        'cipher/aes is provided by trivet_aes and acme; set replaces="cipher/aes" on one, or block one'
    )


def test_a_replacement_takes_over_the_id_and_its_requirements():
    """What required the old id gets the new one; the old one does not run."""
    composition = composed(
        offer("cipher", "aes"),
        offer("cipher", "vault", plugin="acme", replaces="cipher/aes"),
        offer("service", "web", requires=("cipher/aes",)),
    )
    assert order(composition) == ["cipher/vault", "service/web"]
    assert composition.requirements("service/web") == ("cipher/vault",)


def test_a_replacement_may_keep_the_name():
    """``replaces`` of the own id is how a plugin takes a built-in's place under the same name."""
    composition = composed(offer("cipher", "aes"), offer("cipher", "aes", plugin="acme", replaces="cipher/aes"))
    assert composition.providers["cipher/aes"].plugin.name == "acme"


def test_replacements_chain():
    """A replacement can be replaced; requirements end at the last one."""
    composition = composed(
        offer("cipher", "aes"),
        offer("cipher", "hsm", replaces="cipher/aes"),
        offer("cipher", "vault", replaces="cipher/hsm"),
        offer("service", "web", requires=("cipher/aes",)),
    )
    assert composition.requirements("service/web") == ("cipher/vault",)
    assert "cipher/hsm" not in composition.providers


def test_two_replacements_of_one_provider_conflict():
    """Never last-writer-wins."""
    with pytest.raises(ProviderConflict, match="one and two"):
        composed(
            offer("cipher", "aes"),
            offer("cipher", "a", plugin="one", replaces="cipher/aes"),
            offer("cipher", "b", plugin="two", replaces="cipher/aes"),
        )


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ([offer("service", "a", replaces="cipher/aes")], "cannot replace cipher/aes: that is of another kind"),
        (
            [offer("cipher", "aes_256_gcm"), offer("cipher", "v", replaces="cipher/aes_265_gcm")],
            "did you mean cipher/aes_256_gcm?",
        ),
        ([offer("service", "a", factory=lambda config: config)], "its factory takes config; set config="),
        ([offer("service", "a", factory=lambda db: db)], "a factory may take 'config' and 'kernel', not 'db'"),
        ([offer("service", "enable", config=Launch)], "cannot have a section plugins.enable"),
        (
            [offer("service", "a", config=Launch), offer("resolver", "a", config=Composition)],
            "both want the section plugins.a",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(declared, text):
    """Mistakes in provider records are found before anything starts."""
    with pytest.raises(CompositionError) as caught:
        composed(*declared)
    assert text in str(caught.value)


def test_a_missing_requirement_is_named_with_a_close_match():
    """A typo in ``requires`` gets a suggestion."""
    with pytest.raises(RequirementError) as caught:
        composed(offer("service", "web", requires=("service/stroe",)), offer("service", "store"))
    assert str(caught.value) == (
        "service/web requires service/stroe, which no plugin provides; did you mean service/store?"
    )


def test_a_cycle_is_printed_in_order():
    """Each id in the text requires the next."""
    with pytest.raises(RequirementCycle) as caught:
        composed(
            offer("service", "a", requires=("service/b",)),
            offer("service", "b", requires=("service/c",)),
            offer("service", "c", requires=("service/a",)),
        )
    text = str(caught.value)
    assert any(f"service/{x} -> service/{y} -> service/{z} -> service/{x}" in text for x, y, z in ("abc", "bca", "cab"))


def test_a_missing_extra_makes_the_provider_and_its_dependants_unavailable():
    """They are listed with the exact command and break nothing."""
    composition = composed(
        offer("service", "app", extra="web", modules=("starlette",)),
        offer("service", "server", requires=("service/app",)),
        offer("service", "clock"),
        missing={"service/app": "pip install 'trivet[web]'"},
    )
    assert composition.unavailable == {
        "service/app": "pip install 'trivet[web]'",
        "service/server": "needs service/app: pip install 'trivet[web]'",
    }
    assert order(composition) == ["service/clock"]


@pytest.mark.parametrize(
    "options", [{"name": "Aes"}, {"name": "aes", "requires": ("aes",)}, {"name": "aes", "replaces": "cipher:aes"}]
)
def test_ids_are_checked_where_they_are_written(options):
    """A provider record with a malformed name or id cannot be made."""
    with pytest.raises(ValueError, match=r"lower_snake|provider ids"):
        Provider(factory=object, **options)
