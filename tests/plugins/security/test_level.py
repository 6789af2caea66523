"""Security levels: the table, the service, and what falls below."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from trivet import Argon2Cost, Leveled, Provider, SecurityLevel, Shortfall, hookimpl
from trivet.events import ConfigWarning
from trivet.testing import memory_config
from trivet_plugins.security.levels import DEFAULT, LEVELS

ORDER = ("standard", "high", "paranoid")
FIGURES = {field.name for field in attrs.fields(SecurityLevel)} - {"name", "sources"}


def cell(name, value):
    """A figure as the page prints it."""
    if isinstance(value, Argon2Cost):
        return f"{value.memory} KiB, {value.passes}, {value.lanes}"
    if isinstance(value, tuple):
        return "; ".join(cell(name, one) for one in value) or "none"
    if name == "key_age":
        return f"{value / 86_400:g} days"
    if name == "key_messages":
        return f"2^{value.bit_length() - 1}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and value > 1000 else str(value)


def figure_rows():
    yield "| figure | standard | high | paranoid |"
    yield "|---|---|---|---|"
    for field in attrs.fields(SecurityLevel):
        if field.name in FIGURES:
            cells = [cell(field.name, getattr(level, field.name)) for level in LEVELS.values()]
            if field.name == "kdf_concurrency":
                cells[:2] = ["one per core"] * 2
            yield f"| `{field.name}` | {' | '.join(cells)} |"


def source_rows():
    yield "| figure | standard | high | paranoid |"
    yield "|---|---|---|---|"
    for field in attrs.fields(SecurityLevel):
        if field.name in FIGURES:
            cells = [level.sources[field.name] for level in LEVELS.values()]
            same = [
                text if number == 0 or text != cells[number - 1] else "the same" for number, text in enumerate(cells)
            ]
            yield f"| `{field.name}` | {' | '.join(same)} |"


def test_the_page_prints_this_table():
    """Figures and sources; a change here is a change there."""
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "security-levels.md").read_text().splitlines()
    assert [row for row in (*figure_rows(), *source_rows()) if row not in page] == []


def test_the_levels_are_three_and_high_is_the_default():
    assert tuple(LEVELS) == ORDER
    assert DEFAULT == "high"
    assert [level.name for level in LEVELS.values()] == list(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_every_figure_has_a_source(name):
    """And nothing has a source that is no figure."""
    sources = LEVELS[name].sources
    assert sources.keys() == FIGURES
    assert all(sources.values())


def test_a_higher_level_is_never_weaker():
    """Costs, rounds, commitment, rotation and audit only grow; PBKDF2 keeps OWASP's minimum everywhere."""
    modes = ("chain", "checkpoints", "fail_closed")
    for lower, higher in (("standard", "high"), ("high", "paranoid")):
        low, high = LEVELS[lower], LEVELS[higher]
        assert low.password.within(high.password)
        assert low.passphrase.memory <= high.passphrase.memory
        assert 600_000 <= low.pbkdf2_rounds <= high.pbkdf2_rounds
        assert low.commitment <= high.commitment
        assert low.key_age >= high.key_age
        assert modes.index(low.audit) < modes.index(high.audit)
        assert low.manifest <= high.manifest


@pytest.mark.parametrize("name", ORDER)
def test_what_any_level_makes_every_level_reads(name):
    """Nobody is locked out by a step up or down."""
    for made in LEVELS.values():
        assert made.password.within(LEVELS[name].password_bound)
        assert made.passphrase.within(LEVELS[name].passphrase_bound)
        assert made.pbkdf2_rounds <= LEVELS[name].pbkdf2_bound


def test_the_costs_are_those_of_their_sources():
    """OWASP's first Argon2id choice; RFC 9106, section 4; as argon2-cffi ships them."""
    from argon2 import profiles

    assert LEVELS["standard"].password == Argon2Cost(memory=19 * 1024, passes=2, lanes=1)
    others = {(cost.memory, cost.passes, cost.lanes) for cost in LEVELS["standard"].password_alternatives}
    assert others == {(47104, 1, 1), (12288, 3, 1), (9216, 4, 1), (7168, 5, 1)}
    for cost, profile in (
        (LEVELS["high"].password, profiles.RFC_9106_LOW_MEMORY),
        (LEVELS["paranoid"].passphrase, profiles.RFC_9106_HIGH_MEMORY),
    ):
        assert (cost.memory, cost.passes, cost.lanes) == (profile.memory_cost, profile.time_cost, profile.parallelism)


@attrs.frozen
class VaultConfig:
    """A section that can fall below."""

    rounds: int = 1_000_000
    note: str = ""

    def shortfalls(self, level):
        if self.rounds < level.pbkdf2_rounds:
            yield Shortfall("rounds", f"{self.rounds} is below {level.pbkdf2_rounds} of level {level.name}")


class Vault:
    """A third party's plugin that works with the level."""

    trivet_name = "vault"

    @hookimpl
    def register_cipher_backends(self, composition):
        return [Provider(name="vault", factory=self.connect, config=VaultConfig, requires=["service/security_level"])]

    def connect(self, config, kernel):
        self.level = kernel.service(SecurityLevel)
        return _Cipher()


class _Cipher:
    suite, key_bytes, nonce_bytes, tag_bytes, committing = 0xE000, 32, 12, 16, False
    max_messages, max_bytes = 1, 65_536

    def seal(self, key, nonce, aad, data): ...

    def open(self, key, nonce, aad, data): ...


def test_the_class_of_a_section_keeps_the_contract():
    assert isinstance(VaultConfig(), Leveled)


@pytest.mark.parametrize("name", [None, *ORDER])
async def test_a_third_party_gets_the_level_before_the_configuration_is_validated(kernel_factory, name):
    """Whatever opens sealed values may ask for it, by the public class."""
    vault = Vault()
    settings = {"plugins": {"security_level": {"name": name}} if name else {}}
    kernel = await kernel_factory(settings, plugins=[vault, "security_level"])
    assert vault.level is LEVELS[name or "high"]
    assert kernel.service(SecurityLevel) is vault.level


async def test_what_falls_below_is_warned_of_once_until_it_is_back(kernel_factory):
    """At the start, and not again by a reload that leaves it as it is."""
    memory = memory_config({"plugins": {"vault": {"rounds": 1000}}})
    kernel = kernel_factory.make(plugins=[Vault(), "security_level", memory])
    warnings = []
    kernel.observe(lambda event: warnings.append(event.message) if isinstance(event, ConfigWarning) else None)
    await kernel_factory.start(kernel)
    [first] = warnings
    assert first.startswith("plugins.vault.rounds: 1000 is below 1000000 of level high (set at ")
    for rounds, note, told in ((1000, "x", 1), (1_000_000, "x", 1), (1000, "x", 2), (1000, "y", 2)):
        memory.data = {"plugins": {"vault": {"rounds": rounds, "note": note}}}
        assert (await kernel.config.reload()).applied
        assert warnings == [first] * told


async def test_an_unknown_level_is_refused(kernel_factory):
    """With the names that there are."""
    from trivet import ConfigError

    with pytest.raises(ConfigError, match="standard") as caught:
        await kernel_factory({"plugins": {"security_level": {"name": "low"}}}, plugins=[Vault(), "security_level"])
    assert "plugins.security_level.name" in str(caught.value)
