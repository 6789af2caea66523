"""`kernel.config.export`: what is written loads to the same configuration, says where values come from, and keeps secrets."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import tomllib

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trivet import ConfigNotLoadedError, ExportError, Launch, Layer, Origin, Secret
from trivet.config.effective import plain
from trivet.config.leaf import compare
from trivet.config.registry import Config
from trivet.config.structure import Structurer
from trivet.config.tree import same
from trivet.config.writing import Writer, reveal, without_nulls
from trivet_plugins.config.json import Json
from trivet_plugins.config.toml import Toml
from trivet_plugins.config.yaml import Yaml

_SPEC = importlib.util.spec_from_file_location("made_up_classes", pathlib.Path(__file__).with_name("classes.py"))
made_up = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made_up)

FORMATS = {"toml": Toml(), "yaml": Yaml(), "json": Json()}
SLOW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def holds_null(data):
    """Tell whether a null is anywhere in plain data."""
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return data is None or any(map(holds_null, inner))


@pytest.mark.parametrize("name", FORMATS)
@SLOW
@given(instance=made_up.instances())
def test_what_is_exported_structures_to_an_equal_object(name, instance):
    """Whatever the class: dates, durations, enums, unions, secrets, classes in lists in tables."""
    data = plain(instance, (), frozenset(), reveal)
    writer = Writer(name=name, format=FORMATS[name])
    try:
        text = writer.write(data if writer.has_null else without_nulls(instance, data, ("section",)))
    except ExportError:  # a null that no default brings back
        assume(name != "toml" or not holds_null(data))
        raise
    back = Structurer().section(type(instance), FORMATS[name].parse(text).data)
    assert back == instance
    assert same(plain(back, (), frozenset(), reveal), data)


TREES = st.dictionaries(
    made_up.TEXTS,
    st.recursive(
        st.booleans() | st.integers() | made_up.FLOATS | made_up.TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(made_up.TEXTS, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@pytest.mark.parametrize("name", FORMATS)
@SLOW
@given(tree=TREES)
def test_a_written_tree_parses_to_the_same_with_and_without_comments(name, tree):
    """Origins in comments change nothing: not even where values hold what looks like a comment, quotes or line ends."""
    writer = Writer(name=name, format=FORMATS[name], head=("A head.",))
    assert same(FORMATS[name].parse(writer.write(tree)).data, tree)
    if writer.comment:
        origins = {(key,): Origin("base", 'a "strange"\n# name.toml', 1, 2) for key in tree}
        assert same(FORMATS[name].parse(writer.annotate(tree, origins)).data, tree)


@attrs.frozen
class Pool:
    size: int = 4
    label: str | None = None


@attrs.frozen
class Database:
    password: Secret[str]
    url: str = "postgres://orders:hunter2@db/orders"
    pool: Pool = Pool()
    hosts: tuple[str, ...] = ("a",)
    zones: frozenset[str] = frozenset()
    limit: int | None = None
    replicas: tuple[Pool, ...] = (Pool(size=9),)


SET = {"database": {"password": "swordfish-1", "pool": {"size": 8}, "hosts": ["x", "y"], "zones": ["n", "m"]}}
SECRETS = ("swordfish-1", "hunter2")


@pytest.fixture
def database(bench):
    """A bench whose configuration has one section, and the three formats."""
    bench.config.bind("database", Database)
    for name, one in FORMATS.items():
        bench.config.add_format(name, one)
    bench.memory.put("base", SET)
    return bench


def values_of(name, text):
    """What a document says."""
    return FORMATS[name].parse(text).data


@pytest.mark.parametrize("name", FORMATS)
async def test_what_is_exported_loads_to_the_same_configuration(database, name):
    """Equal objects, the same export and the same fingerprint in another process with the same name."""
    await database.config.load()
    text = database.config.export(name, redact=False)
    other = Config("orders", emit=print, launch=lambda: Launch(environ={}))
    live = other.bind("database", Database)
    other.add_format(name, FORMATS[name])
    other.add_source("exported", Document(values_of(name, text)))
    await other.load()
    assert live.current == database.config.snapshot.sections["database"]
    assert other.export(name, redact=False) == text
    assert other.fingerprint == database.config.fingerprint


@attrs.define
class Document:
    """A source that gives one parsed document."""

    data: dict

    async def load(self, context):
        """Give it."""
        return [
            Layer(name="document", priority=100, data=self.data, locate=lambda path: Origin("document", "exported"))
        ]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("origins", [False, True])
async def test_secrets_are_masked_unless_asked_for(database, name, origins):
    """`Secret` fields and passwords in URLs; a document that is not whole says so where it can."""
    await database.config.load()
    text = database.config.export(name, origins=origins)
    assert not any(secret in text for secret in SECRETS)
    assert "***" in text
    assert text.startswith('# Redacted: 2 secrets are masked as "***"') == (name != "json")
    bare = database.config.export(name, redact=False, origins=origins)
    assert all(secret in bare for secret in SECRETS)
    assert "***" not in bare
    assert "Redacted" not in bare


async def test_a_value_is_secret_by_the_way_it_came(database):
    """What a secrets directory sets is masked under any name."""
    database.memory.put("mounted", {"database": {"pool": {"label": "swordfish-2"}}}, priority=500, secret=True)
    await database.config.load()
    assert "swordfish-2" not in database.config.export("json")
    assert "swordfish-2" in database.config.export("json", redact=False)


@pytest.mark.parametrize("name", ["toml", "yaml"])
async def test_every_line_of_a_value_names_its_origin(database, name):
    """The place that won; of what no layer sets, the field whose default it is; of a set, the list that it was written as."""
    await database.config.load()
    text = database.config.export(name, origins=True)
    lines = {line.partition("  # ")[0].strip(" -,"): line.partition("  # ")[2] for line in text.splitlines()}
    sign = " = " if name == "toml" else ": "
    quoted = '"x"' if name == "toml" else "x"
    assert lines[f'password{sign}"***"'] == "base:database.password"
    assert lines[f"size{sign}8"] == "base:database.pool.size"
    assert lines[quoted] == "base:database.hosts.0"
    assert lines['"n"'] == "base:database.zones"
    inline = "{ size = 9 }" if name == "toml" else "size: 9"
    assert lines[inline].endswith("test_export.Database.replicas")
    assert [
        line for line in text.splitlines()[2:] if " # " not in line and line.strip(" []{}:,=") and sign.strip() in line
    ] in (
        [],
        ["hosts = [", "zones = [", "replicas = ["],
        ["database:", "  pool:", "  hosts:", "  zones:", "  replicas:"],
    )
    assert same(values_of(name, text), values_of(name, database.config.export(name)))


async def test_json_carries_origins_beside_the_values(database):
    """JSON has no comments: the same shape stands there twice."""
    await database.config.load()
    document = json.loads(database.config.export("json", origins=True))
    assert document["redacted"] is True
    assert document["config"] == json.loads(database.config.export("json"))
    assert document["origins"]["database"]["pool"]["size"] == "base:database.pool.size"
    assert document["origins"]["database"]["hosts"] == ["base:database.hosts.0", "base:database.hosts.1"]
    assert json.loads(database.config.export("json", origins=True, redact=False))["redacted"] is False


TRICKY = ("${a.b}", "$${a.b}", "$$${", "cost: 5$", "${", "${env:HOME:-x}", "}")


@attrs.frozen
class Texts:
    shown: tuple[str, ...] = TRICKY
    name: str = ""
    label: str = ""


@pytest.mark.parametrize("name", FORMATS)
async def test_text_that_looks_like_a_reference_is_text_again(name):
    """What stands for itself, in code or after a load, is not resolved by the next load; what was resolved is a value."""
    data = {"texts": {"name": "$${not.a.path}", "label": "it is ${texts.name}"}}
    for _ in range(3):
        config = Config("orders", emit=print, launch=lambda: Launch(environ={}))
        texts = config.bind("texts", Texts)
        config.add_format(name, FORMATS[name])
        config.add_source("document", Document(data))
        await config.load()
        assert texts.current == Texts(name="${not.a.path}", label="it is ${not.a.path}")
        data = values_of(name, config.export(name))


async def test_a_null_is_left_out_of_toml_where_it_is_the_default(database):
    """YAML and JSON say it."""
    await database.config.load()
    assert "limit" not in tomllib.loads(database.config.export("toml"))["database"]
    assert json.loads(database.config.export("json"))["database"]["limit"] is None
    assert values_of("yaml", database.config.export("yaml"))["database"]["limit"] is None


async def test_a_null_that_is_not_the_default_is_no_toml(bench):
    """The message names the value, and the formats that take it."""

    @attrs.frozen
    class Limits:
        rate: int | None = 5

    bench.config.bind("limits", Limits)
    bench.config.add_format("toml", Toml())
    bench.memory.put("base", {"limits": {"rate": None}})
    await bench.config.load()
    with pytest.raises(ExportError, match=r"^limits.rate is null, .* export as yaml or json"):
        bench.config.export("toml")


async def test_infinity_is_no_json(bench):
    """The message names the value; TOML and YAML have infinity."""

    @attrs.frozen
    class Limits:
        rate: float = float("inf")

    bench.config.bind("limits", Limits)
    for name, one in FORMATS.items():
        bench.config.add_format(name, one)
    await bench.config.load()
    assert tomllib.loads(bench.config.export("toml")) == {"limits": {"rate": float("inf")}}
    with pytest.raises(ExportError, match=r"json cannot hold .*: limits.rate is inf"):
        bench.config.export("json")


async def test_whatever_is_shown_is_json(bench):
    """Infinity and NaN, which JSON has not, are shown as texts: set, shadowed, in lists, of an override, and by default."""

    @attrs.frozen
    class Limits:
        rate: float = float("inf")
        rates: tuple[float, ...] = ()
        labels: dict[str, float] = attrs.field(factory=dict)

    bench.config.bind("limits", Limits)
    bench.memory.put("base", {"limits": {"rates": [float("nan"), 1.5], "labels": {"a": float("-inf")}}})
    bench.memory.put("profile", {"limits": {"labels": {"a": 1.0}}}, priority=300)
    await bench.config.load()
    assert bench.config.show() == {"limits": {"rate": "inf", "rates": ["nan", 1.5], "labels": {"a": 1.0}}}
    (shadowed,) = bench.config.explain("limits.labels.a").shadowed
    leaves = {leaf.path[-1]: leaf.value for leaf in bench.config.leaves()}
    assert (shadowed.value, bench.config.explain("limits.rate").value) == ("-inf", "inf")
    assert leaves == {"rate": "inf", "rates": ["nan", 1.5], "a": 1.0}
    await bench.config.override({"limits.rate": 2.0})
    (difference,) = bench.config.diff(1)
    assert (difference.before.value, difference.after.value) == ("inf", 2.0)


async def test_explain_and_export_name_the_same_places(database):
    """Of what is set and of defaults: the field that gives a whole default gives all that is in it."""
    await database.config.load()
    exported = json.loads(database.config.export("json", origins=True))["origins"]
    places = {}
    for leaf in database.config.leaves():
        explained = str(database.config.explain(leaf.path).origin)
        assert explained == str(leaf.origin)
        places[leaf.path[1:]] = explained
        found = exported
        for part in leaf.path:
            found = found[part]
        if leaf.value and leaf.path[-1] not in {"replicas", "hosts"}:  # of a list, each item has a place
            assert explained in str(found)
    default = f"default of {__name__}.Database"
    assert places["pool", "label"] == f"default of {__name__}.Pool.label"
    assert places["replicas",] == f"{default}.replicas"
    assert str(database.config.explain("database.replicas[0].size").origin) == f"{default}.replicas"
    database.memory.put("base", {"database": {"password": "x"}})
    await database.config.reload()
    assert str(database.config.explain("database.pool.size").origin) == f"{default}.pool"


async def test_the_lists_of_plugins_are_exported_too(database):
    """Without them, other plugins would run."""
    database.memory.put("env", {"plugins": {"enable": "acme,etcd"}}, priority=700, text=True)
    await database.config.load()
    assert tomllib.loads(database.config.export("toml"))["plugins"] == {"enable": ["acme", "etcd"]}


async def test_mistakes_of_the_caller_are_named(database):
    """A format that is not there; a configuration that is not loaded."""
    with pytest.raises(ConfigNotLoadedError):
        database.config.export("toml")
    await database.config.load()
    with pytest.raises(ExportError, match="there is no format 'ini'; there is json, toml, yaml"):
        database.config.export("ini")


async def test_leaves_tell_two_configurations_apart_without_a_word_about_secrets(database):
    """A secret that differs is a difference; both values stay masked. A moved but equal value is none."""
    await database.config.load()
    before = database.config.leaves()
    assert compare(before, before) == []
    changed = {**SET["database"], "password": "swordfish-9", "hosts": ["x", "z"]}
    database.memory.layers.clear()
    database.memory.put("moved", {"database": changed})
    await database.config.reload()
    found = compare(before, database.config.leaves())
    assert [one.path for one in found] == [("database", "password"), ("database", "hosts")]
    assert (found[0].before.value, found[0].after.value) == ("***", "***")
    assert (found[1].before.value, found[1].after.value) == (["x", "y"], ["x", "z"])
    assert str(found[1].after.origin) == "moved:database.hosts"
    assert "swordfish" not in repr(found)
