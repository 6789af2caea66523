"""Files that include others: who wins, what is a mistake, and that a change of any of them is seen."""

from __future__ import annotations

import json as stdlib_json
import pathlib

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch
from trivet.config.limits import LIMITS
from trivet.events import ConfigReloaded
from trivet_plugins.config import files, json, toml, watcher, yaml

PLUGINS = [toml, yaml, json, files]


@attrs.frozen
class Section:
    a: str = ""
    b: str = ""
    c: str = ""
    d: str = ""
    names: tuple[str, ...] = attrs.field(default=(), metadata={"merge": "append"})


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in a directory of the test's own; gives what writes files there."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = pathlib.Path(name.replace("__", "/").replace("_", "."))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def at(name):
    """A path in that directory."""
    return pathlib.Path(name)


def section(**values):
    """The text of a TOML file's section."""
    return "[s]\n" + "".join(f"{key} = {stdlib_json.dumps(value)}\n" for key, value in values.items())


async def load(*paths, cls=Section, name="s", **launch):
    kernel = Kernel(
        "orders", plugins=PLUGINS, discover="none", launch=Launch(files=paths or ["base.toml"], environ={}, **launch)
    )
    live = kernel.config.bind(name, cls)
    async with kernel.configured():
        return kernel, live.current


async def refusal(*paths, **launch):
    with pytest.raises(ConfigError) as caught:
        await load(*paths, **launch)
    return str(caught.value).split("\n")


# -- who wins -----------------------------------------------------------------------------------------------------------------


async def test_who_includes_wins_and_of_what_it_includes_the_later(here):
    here(
        base_toml='include = ["one.toml", "more/two.yaml"]\n' + section(a="base"),
        one_toml=section(a="one", b="one", c="one", d="one"),
        more__two_yaml="include: three.json\ns: {a: two, b: two, c: two}\n",
        more__three_json='{"s": {"a": "three", "b": "three", "c": "three", "d": "three"}}',
    )
    kernel, values = await load()
    assert values == Section(a="base", b="two", c="two", d="three")
    found = kernel.config.explain("s.b")
    assert [str(one) for one in (found.origin, *(one.origin for one in found.shadowed))] == [
        "more/two.yaml:2:16",
        "more/three.json:1:27",
        "one.toml:3:5",
    ]
    assert [layer.name for layer in kernel.config.snapshot.layers if layer.data] == [
        "include one.toml",
        "include three.json",
        "include two.yaml",
        "base",
    ]


async def test_what_a_stronger_file_includes_wins_over_the_weaker_one(here):
    """The profile and the drop-ins may include too: what they include has their priority."""
    here(
        base_toml=section(a="base", b="base", c="base"),
        base_dev_toml='include = "eu.toml"\n' + section(b="dev"),
        eu_toml=section(a="eu", b="eu"),
        conf_d__10_toml='include = "../drop.toml"\n',
        drop_toml=section(a="drop", c="drop"),
    )
    _, values = await load(profile="dev")
    assert values == Section(a="eu", b="dev", c="drop")


async def test_a_pattern_is_read_in_the_order_of_names_and_may_match_nothing(here):
    here(
        base_toml='include = ["regions/*.toml", "nowhere/*.yaml", "*/x?.toml"]\n',
        regions__b_toml=section(a="b", b="b"),
        regions__a_toml=section(a="a", b="a", c="a"),
        regions__README="no configuration",
        sub__x1_toml=section(d="x1"),
    )
    at("regions/.hidden.toml").write_text("not even TOML")
    at("regions/dir.toml").mkdir()
    kernel, values = await load()
    assert values == Section(a="b", b="b", c="a", d="x1")
    watched = set(map(str, kernel.config.watched_paths()))
    assert watched >= {"regions", "nowhere", ".", "regions/a.toml", "regions/b.toml", "sub/x1.toml"}


async def test_a_pattern_does_not_include_the_file_that_says_it(here):
    here(base_toml='include = "*.toml"\n' + section(a="base"), other_toml=section(a="other", b="other"))
    assert (await load())[1] == Section(a="base", b="other")


async def test_a_file_that_two_include_counts_once_and_both_win_over_it(here):
    """So no list of it is appended twice, and "later" never means that a default comes back."""
    here(
        base_toml='include = ["one.toml", "two.toml"]\n',
        one_toml='include = "common.toml"\n' + section(a="one", names=["one"]),
        two_toml='include = "./common.toml"\n' + section(b="two", names=["two"]),
        common_toml=section(a="common", b="common", c="common", names=["common"]),
    )
    assert (await load())[1] == Section(a="one", b="two", c="common", names=("common", "one", "two"))


async def test_a_name_is_relative_to_the_file_that_says_it_as_that_file_is_named(here, tmp_path):
    """A link's own directory counts, as in a Kubernetes volume, where all files are links; absolute names stand as they are."""
    here(elsewhere__real_toml='include = "near.toml"\n', config__near_toml=section(a="near"))
    at("config/base.toml").symlink_to(tmp_path / "elsewhere" / "real.toml")
    assert (await load("config/base.toml"))[1].a == "near"
    here(base_toml=f'include = "{tmp_path}/config/near.toml"\n')
    assert (await load())[1].a == "near"


# -- the word -----------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Include:
    a: str = ""


async def test_a_section_may_have_the_same_name(here):
    """A table never includes, and a list is never a section: neither is taken for the other."""
    here(base_toml='[include]\na = "mine"\n')
    assert (await load(cls=Include, name="include"))[1] == Include("mine")
    assert await refusal() == ["base.toml:1:2: error: include: unknown key: nothing binds a section of this name"]


async def test_the_word_is_the_applications_to_choose(here):
    here(base_toml='"$use" = "other.toml"\n', other_toml=section(a="other"))
    assert (await load(include_key="$use"))[1].a == "other"
    here(base_toml='include = "other.toml"\n')
    for key in ("$use", ""):
        assert await refusal(include_key=key) == [
            "base.toml:1:11: error: include: unknown key: nothing binds a section of this name"
        ]


async def test_only_at_the_top_of_a_file_it_includes(here):
    here(base_toml='[s]\ninclude = "other.toml"\n', other_toml=section(a="other"))
    assert await refusal() == ["base.toml:2:11: error: s.include: unknown key"]


async def test_the_json_schema_knows_it(here):
    jsonschema = pytest.importorskip("jsonschema")
    here(base_toml="")
    kernel, _ = await load()
    check = jsonschema.Draft202012Validator(kernel.config.schema())
    for good in ("a.toml", ["a.toml", "b/*.toml"], []):
        check.validate({"include": good})
    for bad in ("", 5, [5], {"a": 1}):
        assert not check.is_valid({"include": bad})
    kernel, _ = await load(include_key="")
    assert "include" not in kernel.config.schema()["properties"]
    kernel, _ = await load(cls=Include, name="include")
    check = jsonschema.Draft202012Validator(kernel.config.schema())
    assert check.is_valid({"include": {"a": ""}})
    assert check.is_valid({"include": "a.toml"})
    assert not check.is_valid({"include": {"b": ""}})


# -- mistakes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            '["one.toml", "gone.toml"]',
            "base.toml:1:24: error: gone.toml: no such file; create it, or take it out here",
        ),
        (
            '"notes.txt"',
            "base.toml:1:11: error: notes.txt: no format reads .txt; known suffixes are .json, .toml, .yaml, .yml",
        ),
        (
            '"sub/*"',
            "base.toml:1:11: error: sub/old.ini: no format reads .ini; known suffixes are .json, .toml, .yaml, .yml",
        ),
        (
            "5",
            (
                "base.toml:1:11: error: include: expected the name of a file, "
                'or a list of names like ["common.toml", "regions/*.toml"]'
            ),
        ),
        (
            '["one.toml", ""]',
            (
                "base.toml:1:24: error: include: expected the name of a file, "
                'or a list of names like ["common.toml", "regions/*.toml"]'
            ),
        ),
        (
            '"${env:REGION}.toml"',
            (
                "base.toml:1:11: error: include: references are resolved when all files are read, "
                "so they cannot say which: write the name itself"
            ),
        ),
        (
            '"regions/**/*.toml"',
            "base.toml:1:11: error: include: ** is no pattern here: name each directory, like regions/*.toml",
        ),
        ('"sub"', "base.toml:1:11: error: sub: no format reads a file without suffix; known suffixes are"),
    ],
)
async def test_a_bad_include_is_one_line_with_its_place(here, said, line):
    here(base_toml=f"include = {said}\n", one_toml="", notes_txt="", sub__old_ini="")
    (found,) = await refusal()
    assert found.startswith(line)


async def test_a_mistake_in_an_included_file_has_its_place_there(here):
    here(
        base_toml='include = ["one.toml", "two.yaml"]\n',
        one_toml=section(a=1),
        two_yaml="s: {a: x}\ns: {b: y}\n",
    )
    lines = await refusal()
    assert lines[0].startswith("one.toml:2:5: error: s.a: ")
    assert lines[1].startswith("two.yaml:2:1: error: duplicate key s")


async def test_a_circle_is_told_with_all_its_places(here):
    here(
        base_toml='include = "a.toml"\n',
        a_toml='include = ["b.yaml"]\n',
        b_yaml="include:\n- c.json\n",
        c_json='{"include": ["./a.toml"]}',
    )
    assert await refusal() == [
        "c.json:1:14: error: files include each other in a circle: a.toml:1:12 -> b.yaml:2:3 -> c.json:1:14 -> a.toml"
    ]
    here(base_toml='include = "base.toml"\n')
    assert await refusal() == [
        "base.toml:1:11: error: files include each other in a circle: base.toml:1:11 -> base.toml"
    ]


async def test_a_link_does_not_hide_a_circle(here):
    here(base_toml='include = "link.toml"\n')
    at("link.toml").symlink_to("base.toml")
    assert "in a circle" in (await refusal())[0]


async def test_includes_in_each_other_have_a_limit(here):
    """A chain of as many files as are allowed loads, one more is told with the way that leads there."""
    last = LIMITS.includes
    for number in range(last):
        at(f"{number}.toml").write_text(f'include = "{number + 1}.toml"\n')
    at(f"{last}.toml").write_text(section(a="deep"))
    assert (await load("0.toml"))[1].a == "deep"
    at(f"{last}.toml").write_text(f'include = "{last + 1}.toml"\n')
    at(f"{last + 1}.toml").write_text(section(a="deeper"))
    (line,) = await refusal("0.toml")
    assert line.startswith(
        "10.toml:1:11: error: more than 10 files include each other, one from the next: 0.toml:1:11 -> 1.toml:1:11 -> "
    )
    assert line.endswith(" -> 11.toml")


# -- while it runs ------------------------------------------------------------------------------------------------------------


async def test_a_change_of_what_is_included_is_seen_as_any_other(here):
    """An included file that changes, a new one that a pattern matches, one that goes, and one that was missing."""
    here(base_toml='include = ["one.toml", "more/*.toml"]\n', one_toml=section(a="1"), more__a_toml=section(b="1"))
    kernel = Kernel(
        "orders", plugins=[*PLUGINS, watcher], discover="none", launch=Launch(files=["base.toml"], environ={})
    )
    live = kernel.config.bind("s", Section)

    async def until(**values):
        with anyio.fail_after(20):
            while live.current != Section(**values):
                await anyio.sleep(0.01)

    async with kernel:
        await until(a="1", b="1")
        here(one_toml=section(a="2"))
        await until(a="2", b="1")
        here(more__b_toml=section(b="2"))
        await until(a="2", b="2")
        at("more/b.toml").unlink()
        await until(a="2", b="1")
        at("one.toml").unlink()
        with anyio.fail_after(20):
            while not kernel.config.problems:
                await anyio.sleep(0.01)
        assert [str(one) for one in kernel.config.problems] == [
            "base.toml:1:12: error: one.toml: no such file; create it, or take it out here"
        ]
        assert live.current.a == "2"
        here(one_toml=section(a="3"))
        await until(a="3", b="1")
        assert not kernel.config.problems


async def test_an_included_file_that_reads_as_before_is_not_parsed_again(here, monkeypatch):
    here(base_toml='include = "one.toml"\n', one_toml=section(a="1"))
    kernel = Kernel("orders", plugins=PLUGINS, discover="none", launch=Launch(files=["base.toml"], environ={}))
    live = kernel.config.bind("s", Section)
    reloads = []
    kernel.observe(lambda event: reloads.append(event) if isinstance(event, ConfigReloaded) else None)
    async with kernel:
        parse = toml.Toml.parse
        parsed = []
        monkeypatch.setattr(toml.Toml, "parse", lambda self, text: parsed.append(text) or parse(self, text))
        before = live.current
        await kernel.config.reload()
        assert (parsed, live.current, len(reloads)) == ([], before, 1)
