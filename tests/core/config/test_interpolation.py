"""References resolve once, after the merge, to values of the right type; secrets stay secrets wherever they are used."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from trivet import ConfigError, NothingThereError, Resolved, Secret
from trivet.config import evaluation, expansion

NO_SECRET = Secret("")


@attrs.frozen
class Database:
    url: str = ""
    host: str = ""
    port: int = 0
    ratio: float = 0.0
    debug: bool = False
    timeout: dt.timedelta = dt.timedelta()
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    labels: dict[str, Any] = attrs.field(factory=dict)
    password: Secret[str] = NO_SECRET


class Table:
    """Resolves ``${env:NAME}`` from a table, as text."""

    scheme = "env"
    bare = False

    def __init__(self, **texts):
        self.texts = texts
        self.asked = []

    async def resolve(self, argument, context):
        self.asked.append((argument, context.path, str(context.locate())))
        if argument == "BROKEN":
            msg = "the store is sealed"
            raise ValueError(msg)
        if argument not in self.texts:
            msg = f"{argument} is not set"
            raise NothingThereError(msg)
        return Resolved(self.texts[argument], text=True)


@pytest.fixture
def load(bench):
    """Load a section ``database`` with what variables there are, and give it."""
    live = bench.config.bind("database", Database)

    async def run(base, *, environ=None, **layers):
        bench.config.add_resolver("env", Table(**environ or {}))
        bench.memory.put("base", {"database": base})
        for priority, (name, data) in enumerate(layers.items(), 200):
            bench.memory.put(name, {"database": data}, priority=priority, text=name.startswith("text"))
        await bench.config.load()
        return live.current

    return run


async def problems(load, *arguments, **layers):
    """The problems of a load."""
    with pytest.raises(ConfigError) as caught:
        await load(*arguments, **layers)
    return [str(problem) for problem in caught.value.problems]


async def test_a_whole_value_keeps_its_type(load):
    got = await load(
        {
            "ports": [1, 2],
            "port": "${database.ports[1]}",
            "labels": {
                "copy": "${database.ports}",
                "number": "${database.port}",
                "nothing": None,
                "no": "${database.labels.nothing}",
            },
        }
    )
    assert got.port == 2
    assert got.labels == {"copy": [1, 2], "number": 2, "nothing": None, "no": None}


async def test_in_a_longer_text_scalars_are_written_in_their_canonical_form(load):
    got = await load(
        {
            "port": 5432,
            "debug": True,
            "ratio": 1e3,
            "host": "db",
            "url": "${database.host}:${database.port}/${database.debug}/${database.ratio}",
        }
    )
    assert got.url == "db:5432/true/1000.0"


async def test_references_see_what_the_merge_made(load):
    """They are resolved once, after the merge: the higher layer's host counts in the lower layer's text (omegaconf#431)."""
    got = await load({"host": "low", "url": "http://${database.host}/"}, high={"host": "high"})
    assert got.url == "http://high/"


async def test_references_that_lost_are_never_asked(load, bench):
    got = await load({"host": "${env:BROKEN}"}, high={"host": "x"})
    assert got.host == "x"


async def test_references_chain(load):
    got = await load(
        {"host": "${env:HOST}", "url": "${database.labels.base}/x", "labels": {"base": "http://${database.host}"}},
        environ={"HOST": "h"},
    )
    assert got.url == "http://h/x"


async def test_text_of_a_resolver_means_what_the_schema_says(load):
    got = await load(
        {
            "port": "${env:PORT}",
            "debug": "${env:DEBUG}",
            "timeout": "${env:N}s",
            "hosts": "${env:HOSTS}",
            "ports": ["${env:PORT}", 2],
        },
        environ={"PORT": "5432", "DEBUG": "yes", "N": "10", "HOSTS": "a,b"},
    )
    assert (got.port, got.debug, got.timeout, got.hosts) == (5432, True, dt.timedelta(seconds=10), ("a", "b"))
    assert got.ports == (5432, 2)


async def test_text_of_a_file_stays_strict(load):
    (problem,) = await problems(load, {"host": "5432", "port": "${database.host}"})
    assert problem == (
        "base:database.port: error: database.port: expected an integer, not a string, got '5432'; remove the quotes"
    )


async def test_a_default_is_for_what_is_not_there_null_or_empty(load):
    got = await load(
        {
            "port": "${env:PORT:-80}",
            "host": "${env:EMPTY:-here}",
            "url": "${database.labels.none:-${database.host}}",
            "labels": {"none": None},
        },
        environ={"EMPTY": ""},
    )
    assert (got.port, got.host, got.url) == (80, "here", "here")


async def test_a_default_does_not_hide_what_is_broken(load):
    (problem,) = await problems(load, {"host": "${env:BROKEN:-x}"})
    assert problem == "base:database.host: error: database.host: the store is sealed"


async def test_what_comes_out_is_not_read_again(load):
    """Whoever sets a variable or writes a file does not get to name others."""
    got = await load({"host": "${env:EVIL}", "url": "$${env:X}"}, environ={"EVIL": "${env:PASSWORD}", "PASSWORD": "x"})
    assert (got.host, got.url) == ("${env:PASSWORD}", "${env:X}")


async def test_a_text_layer_refers_too_and_its_text_is_coerced(load):
    got = await load(
        {"ports": [7, 8]}, text={"port": "${database.ports[0]}1", "debug": "${env:D}"}, environ={"D": "on"}
    )
    assert (got.port, got.debug) == (71, True)


async def test_secret_layers_are_taken_as_they_are(bench):
    """A generated password may hold anything; nobody could escape it."""
    live = bench.config.bind("database", Database)
    bench.memory.put("secrets", {"database": {"password": "a${b"}}, text=True, secret=True)
    await bench.config.load()
    assert live.current.password.reveal() == "a${b"


async def test_into_tables_that_are_references_themselves(load):
    got = await load(
        {
            "labels": {
                "base": {"host": "h", "url": "http://${database.labels.base.host}"},
                "copy": "${database.labels.base}",
            },
            "url": "${database.labels.copy.url}",
        }
    )
    assert got.url == "http://h"
    assert got.labels["copy"] == {"host": "h", "url": "http://h"}


async def test_a_reference_to_nothing_is_a_problem_at_its_place(load):
    found = await problems(load, {"host": "x", "url": "a${database.hots}", "labels": {"a": "${nobody}"}})
    assert found == [
        "base:database.labels.a: error: database.labels.a: nothing is at nobody; ${nobody:-...} gives a default",
        (
            "base:database.url: error: database.url: nothing is at database.hots; did you mean 'host'?; "
            "${database.hots:-...} gives a default"
        ),
    ]


async def test_a_default_in_code_cannot_be_referred_to(load):
    (problem,) = await problems(load, {"host": "${database.port}"})
    assert "a default in code is not seen here, so set it" in problem


async def test_a_circle_names_all_its_places_once(load):
    found = await problems(
        load,
        {"host": "${database.url}", "labels": {"a": "x${database.host}"}},
        high={"url": "${database.labels.b}", "labels": {"b": "${database.host}"}},
    )
    assert len(found) == 1
    assert (
        "these references lead in a circle: base:database.host (database.host) -> high:database.url (database.url) -> "
        "high:database.labels.b (database.labels.b) -> base:database.host (database.host)" in found[0]
    )


@pytest.mark.parametrize(
    "base", [{"host": "${database.host}"}, {"labels": {"a": "${database}"}}, {"labels": {"a": "${database.labels}"}}]
)
async def test_nothing_holds_itself(load, base):
    (problem,) = await problems(load, base)
    assert "in a circle" in problem


async def test_an_unknown_scheme_names_the_known_ones(load):
    assert "nothing resolves 'evn:'; did you mean 'env'?" in (await problems(load, {"host": "${evn:X}"}))[0]
    # (a load that failed may be tried again)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
async def test_only_scalars_are_written_into_texts(load, value):
    (problem,) = await problems(load, {"labels": {"v": value}, "url": "x${database.labels.v}"})
    assert "${database.labels.v} is" in problem
    assert "no part of a text" in problem


# -- secrets ----------------------------------------------------------------------------------------------------------


class Vault:
    """Opens whole values ``vault:...``."""

    scheme = "vault"
    bare = True

    async def resolve(self, argument, context):
        return Resolved(f"opened-{argument}", secret=True)


@pytest.mark.parametrize(
    "base",
    [
        {"labels": {"dsn": "x${database.password}"}, "password": "opened-1"},
        {"labels": {"dsn": "${database.labels.here}", "here": "vault:1"}},
        {"labels": {"dsn": "x${vault:1}"}},
        {"labels": {"dsn": "${env:DB_PASSWORD}"}},
        {"labels": {"dsn": "${env:X:-${database.password}}"}, "password": "vault:1"},
        {"labels": {"dsn": "${database.labels.deep}", "deep": {"inner": "vault:1"}}},
        {
            "labels": {
                "dsn": "${database.labels.list[0]}",
                "list": ["${database.labels.a}"],
                "a": "y${database.password}",
            },
            "password": "vault:1",
        },
    ],
)
async def test_what_is_made_of_a_secret_is_one(load, bench, base):
    """Masked in every view, and no part of the fingerprint in clear."""
    bench.config.add_resolver("vault", Vault())
    got = await load(base, environ={"DB_PASSWORD": "opened-1"})
    assert "opened-1" in str(got.labels["dsn"])
    assert "opened-1" not in str(bench.config.show())
    assert "opened-1" not in str(bench.config.explain("database.labels.dsn"))
    assert "opened-1" not in str(bench.config.explain("database"))
    assert "opened-1" not in str(bench.events) + repr(bench.config.snapshot)
    assert bench.config.show()["database"]["labels"]["dsn"] in ("***", {"inner": "***"})


async def test_no_problem_shows_what_is_made_of_a_secret(load, bench):
    (problem,) = await problems(load, {"password": "hunter2-long", "port": "${database.password}"})
    assert "hunter2" not in problem


async def test_a_sealed_value_that_is_referred_to_is_opened_at_its_own_path(load, bench):
    seen = []

    class Bound(Vault):
        async def resolve(self, argument, context):
            seen.append(context.path)
            return await super().resolve(argument, context)

    bench.config.add_resolver("vault", Bound())
    got = await load({"password": "vault:1", "url": "p=${database.password}"})
    assert got.url == "p=opened-1"
    assert seen == [("database", "password")]


# -- explain ----------------------------------------------------------------------------------------------------------


async def test_explain_shows_the_reference_and_its_value(load, bench):
    await load({"host": "h", "url": "http://${database.host}/", "labels": {"all": "${database.hosts}"}, "hosts": ["a"]})
    found = bench.config.explain("database.url")
    assert (found.value, found.reference, str(found.origin)) == (
        "http://h/",
        "http://${database.host}/",
        "base:database.url",
    )
    assert bench.config.explain("database.host").reference is None


async def test_explain_inside_of_a_table_that_is_a_reference(load, bench):
    await load({"labels": {"a": {"x": 1}, "b": "${database.labels.a}"}})
    found = bench.config.explain("database.labels.b.x")
    assert (found.value, found.reference, str(found.origin)) == (1, "${database.labels.a}", "base:database.labels.b")


async def test_explain_of_a_secret_shows_names_only(load, bench):
    await load({"password": "pre${env:X:-hunter2}post"})
    found = bench.config.explain("database.password")
    assert (found.value, found.reference) == ("***", "***${env:X:-***}***")


# -- reloads and limits -----------------------------------------------------------------------------------------------


async def test_a_reload_follows_what_is_referred_to(load, bench):
    await load({"host": "a", "url": "${database.host}!"})
    bench.memory.put("base", {"database": {"host": "b", "url": "${database.host}!"}})
    outcome = await bench.config.reload()
    assert outcome.changed == ("database.host", "database.url")
    assert not (await bench.config.reload()).changed


async def test_long_chains_are_refused(load):
    chain = {f"k{number}": f"${{database.labels.k{number + 1}}}" for number in range(evaluation.CHAIN + 5)}
    found = await problems(load, {"labels": {**chain, f"k{len(chain)}": 1}})
    assert any("lead to each other" in problem for problem in found)


async def test_a_chain_that_is_not_too_long_resolves_even_through_deep_tables(load):
    """Fifty tables in a row, each thirty deep: no recursion error."""
    deep: Any = 1
    labels: dict[str, Any] = {}
    for number in range(45):
        leaf = f"${{database.labels.k{number + 1}.{'.'.join('x' * 29)}}}"
        deep = leaf
        for _ in range(29):
            deep = {"x": deep}
        labels[f"k{number}"] = deep
    deep = 1
    for _ in range(29):
        deep = {"x": deep}
    labels["k45"] = deep
    got = await load({"labels": labels, "port": f"${{database.labels.k0.{'.'.join('x' * 29)}}}"})
    assert got.port == 1


async def test_texts_that_double_do_not_fill_the_memory(load):
    labels = {f"k{number}": f"${{database.labels.k{number + 1}}}" * 2 for number in range(40)}
    found = await problems(load, {"labels": {**labels, "k40": "x" * 100}})
    assert any("characters" in problem for problem in found)


async def test_tables_that_double_do_not_fill_the_memory(load, monkeypatch):
    monkeypatch.setattr(expansion.Budget.__init__, "__defaults__", (10_000, 2_000, 10_000))
    labels: dict[str, Any] = {
        f"k{number}": dict.fromkeys("ab", f"${{database.labels.k{number + 1}}}") for number in range(40)
    }
    found = await problems(load, {"labels": {**labels, "k40": {"a": 1}}})
    assert any("values or" in problem or "too deep" in problem for problem in found)


async def test_there_is_a_limit_to_all_references_together(load, monkeypatch):
    monkeypatch.setattr(expansion.Budget.__init__, "__defaults__", (10, 1000, 1000))
    (problem,) = await problems(load, {"url": "${database.host}" * 11, "host": "x"})
    assert "references are followed" in problem


async def test_ten_thousand_references_in_one_table(load):
    got = await load({"host": "h", "labels": {str(number): "${database.host}" for number in range(10_000)}})
    assert set(got.labels.values()) == {"h"}


async def test_what_is_exported_refers_to_nothing(load, bench):
    """The document says what the values are, not what they were made of."""
    from trivet_plugins.config.toml import Toml

    bench.config.add_format("toml", Toml())
    await load({"host": "${env:H}", "url": "$${literal}", "labels": {"a": "$$${x}"}}, environ={"H": "${evil}"})
    before = bench.config.show()
    document = bench.config.export("toml")
    bench.memory.put("base", Toml().parse(document).data)
    outcome = await bench.config.reload()
    assert outcome.applied
    assert bench.config.show() == before
