"""Large configuration loads, too large or too deep is refused by a clear line, and neither hurts a running service."""

from __future__ import annotations

import json

import anyio
import attrs
import pytest
import yaml

from trivet import ConfigError, Kernel, Launch
from trivet.config.limits import LIMITS
from trivet_plugins.config import files
from trivet_plugins.config import json as json_format
from trivet_plugins.config import toml as toml_format
from trivet_plugins.config import yaml as yaml_format

pytestmark = pytest.mark.timeout(60)


@attrs.frozen
class Many:
    """A section with as many keys as one likes."""

    numbers: dict[str, int] = attrs.field(factory=dict)
    texts: dict[str, str] = attrs.field(factory=dict)


def in_toml(tree):
    return "".join(
        f"[many.{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for section, values in tree["many"].items()
    )


def in_yaml(tree):
    return yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), width=2**30)


def in_json(tree):
    return json.dumps(tree, indent=1) + "\n"


FORMATS = {"toml": in_toml, "yaml": in_yaml, "json": in_json}


@pytest.fixture
def anyio_backend():
    """Parsers know of no event loop."""
    return "asyncio"


@pytest.fixture(params=FORMATS)
def suffix(request):
    return request.param


def running(path):
    kernel = Kernel(
        "large",
        plugins=[toml_format, yaml_format, json_format, files],
        discover="none",
        launch=Launch(files=[path], environ={}),
    )
    return kernel, kernel.config.bind("many", Many)


async def test_ten_thousand_keys(tmp_path, suffix):
    """All are there; one of them changed is one change; a wrong one is found by line and column among all the others."""
    path = tmp_path / f"large.{suffix}"
    numbers = {f"key_{number:05}": number for number in range(10_000)}
    path.write_text(FORMATS[suffix]({"many": {"numbers": numbers}}))
    kernel, live = running(path)
    async with kernel:
        assert live.current.numbers == numbers
        path.write_text(FORMATS[suffix]({"many": {"numbers": {**numbers, "key_04711": -1}}}))
        outcome = await kernel.config.reload()
        assert (outcome.applied, outcome.changed) == (True, ("many.numbers.key_04711",))

        text = FORMATS[suffix]({"many": {"numbers": {**numbers, "key_08150": "eight"}}})
        path.write_text(text)
        outcome = await kernel.config.reload()
        at = text.index("key_08150")
        line = text.count("\n", 0, at) + 1
        (problem,) = map(str, outcome.problems)
        assert problem.startswith(f"{path}:{line}:")
        assert "many.numbers.key_08150: " in problem
        assert live.current.numbers["key_04711"] == -1


async def test_a_file_as_large_as_allowed_loads_and_one_byte_more_does_not(tmp_path, suffix):
    """5 MiB of texts, in each format: at the limit all is read; above it the old values stay and the limit is named."""
    path = tmp_path / f"large.{suffix}"
    texts = {f"key_{number:04}": "x" * 1000 for number in range(5000)}
    rest = LIMITS.file_bytes - len(FORMATS[suffix]({"many": {"texts": texts}}))
    texts["key_0000"] += "y" * rest
    text = FORMATS[suffix]({"many": {"texts": texts}})
    assert len(text) == LIMITS.file_bytes
    path.write_text(text)
    kernel, live = running(path)
    async with kernel:
        assert live.current.texts == texts
        path.write_text(text + "\n")
        outcome = await kernel.config.reload()
        assert [*map(str, outcome.problems)] == [
            f"{path}: error: larger than {LIMITS.file_bytes:,} bytes, too large for configuration"
        ]
        assert live.current.texts == texts


NESTED = {
    "toml": (lambda depth: "a" + ".a" * (depth - 1) + " = {}\n", lambda depth: "a = " + "[" * depth + "]" * depth),
    "yaml": (
        lambda depth: "{a: " * (depth) + "1" + "}" * (depth) + "\n",
        lambda depth: "a: " + "[" * depth + "]" * depth,
    ),
    "json": (
        lambda depth: '{"a": ' * depth + "1" + "}" * depth,
        lambda depth: '{"a": ' + "[" * depth + "]" * depth + "}",
    ),
}


@pytest.mark.parametrize("kind", [0, 1], ids=["tables", "lists"])
@pytest.mark.parametrize("depth", [LIMITS.depth + 1, 1000, 3000])
async def test_deep_nesting_is_refused(tmp_path, suffix, kind, depth):
    """From just too deep to deep enough to exhaust the stack of a parser: one line that says the limit, in a moment."""
    path = tmp_path / f"deep.{suffix}"
    path.write_text(NESTED[suffix][kind](depth))
    kernel, _ = running(path)
    with anyio.fail_after(10), pytest.raises(ConfigError) as refusal:
        async with kernel.configured():
            pass
    (problem,) = map(str, refusal.value.problems)
    assert problem.startswith(f"{path}:")
    assert LIMITS.too_deep in problem or "exceeded maximum nesting depth" in problem  # libyaml's own limit


async def test_a_running_service_survives_what_is_too_deep_or_too_many(tmp_path):
    """An alias bomb and a tower of brackets come in as edits; the old values stay, and the next good edit counts."""
    path = tmp_path / "large.yaml"
    path.write_text("many: {numbers: {a: 1}}\n")
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    kernel, live = running(path)
    async with kernel:
        for text, reason in (
            ("\n".join(lines), f"more than {LIMITS.nodes:,} values"),
            ("[" * 100_000, "maximum nesting depth"),
        ):
            path.write_text(text)
            outcome = await kernel.config.reload()
            assert not outcome.applied
            assert reason in str(outcome.problems[0])
            assert live.current.numbers == {"a": 1}
        path.write_text("many: {numbers: {a: 2}}\n")
        assert (await kernel.config.reload()).applied
        assert live.current.numbers == {"a": 2}
