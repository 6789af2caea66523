"""What every `ConfigFormat` promises."""

from __future__ import annotations

import traceback
from typing import Any, ClassVar, Final

import pytest

from trivet.config.contracts import ConfigFormat, Document, FormatError
from trivet.config.origin import Path, dotted
from trivet.testing.suites.suite import Suite, override
from trivet.testing.suites.tree import leaves, paths, put, typed

TEXTS: Final = (
    *(
        "",
        " ",
        "plain",
        "two words",
        " edges ",
        "täglich €",
        "🧪",
        "a\u2028b",
        "\ufeffbom",
        "tab\there",
        "\x1b[31m",
        "\x7f",
    ),
    *(
        "line\nbreak",
        "\nfirst",
        "last\n",
        "cr\r\nlf",
        'a "double" quote',
        "a 'single' quote",
        '"""',
        "'''",
        "back\\slash",
    ),
    *(
        "yes",
        "no",
        "true",
        "null",
        "~",
        "12",
        "0x1F",
        "0o17",
        "1e3",
        "1_000",
        ".5",
        "inf",
        "nan",
        "2026-11-24",
        "12:30:00",
    ),
    *(
        "# no comment",
        "a # b",
        "colon: space",
        "- dash",
        "[x]",
        "{y}",
        "&a",
        "*a",
        "!tag",
        "%x",
        "@x",
        "`x`",
        "|",
        ">",
        "---",
    ),
    *("${env:HOME}", "trivet:1:AAAA-_", "x" * 300),
)
KEYS: Final = (
    "plain",
    "under_score",
    "dash-ed",
    "with space",
    "with.dot",
    'quo"te',
    "ünï",
    "12",
    "true",
    "#",
    "a:b",
    "[x]",
    "",
)
TREES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"text": "a", "whole": 48151623, "negative": -1, "zero": 0, "real": 0.1, "large": 1e300, "yes": True, "no": False},
    {"largest": 2**63 - 1, "smallest": -(2**63), "exact": 2**53 + 1},
    {"section": {"inner": {"deep": {"value": 1}}, "other": "b"}, "after": 2},
    {"list": [1, 2, 3], "empty": [], "nested": [[1], [2, [3]]], "none": {}, "mixed": [1, "a", True, 0.5]},
    {"hosts": [{"name": "a", "ports": [1, 2]}, {"name": "b", "tags": {"zone": "x"}}]},
    {"texts": list(TEXTS)},
    {f"key {number}": text for number, text in enumerate(TEXTS)},
    {key: dict.fromkeys(KEYS, "value") for key in KEYS},
)
PLACES: Final[dict[str, Any]] = {
    "ü€🧪": "multi-byte text before all others",
    "port": 48151623,
    "database": {"url": "postgres://localhost/orders", "pool": {"size": 16234211, "name": "täglich 🧪"}},
    "hosts": [{"name": "alpha", "weight": 23421516}, {"name": "beta", "weight": 42161523}],
    "tags": ["one", "two words", 'a "quote"', "12", "yes"],
    "last": "end",
}
SECRET: Final = "hunter2-of-the-suite"  # noqa: S105 - an example
_FIRST, _OTHER = "first_key", "other_key"


def _complaint(config_format: ConfigFormat, text: str) -> str:
    try:
        config_format.parse(text)
    except FormatError as exc:
        return "".join(traceback.format_exception(exc, limit=0))
    return ""


class ConfigFormatSuite(Suite):
    """The promises of a file format. Override `config_format`; add to ``malformed`` what else must be refused."""

    malformed: ClassVar[tuple[str, ...]] = ("\0", "a\0b = {[")
    """Texts that are no document of the format, or whose root is no mapping."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run under one event loop only: a format is made of plain functions."""
        return "asyncio"

    @pytest.fixture
    def config_format(self) -> ConfigFormat:
        """Return the format."""
        override("config_format")

    def test_it_has_the_shape_of_its_contract(self, config_format: ConfigFormat) -> None:
        """It has suffixes, in lower case and with the dot."""
        assert isinstance(config_format, ConfigFormat)
        assert config_format.suffixes
        assert all(suffix[0] == "." and suffix == suffix.lower() for suffix in config_format.suffixes)

    @pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
    def test_what_it_writes_it_reads(self, config_format: ConfigFormat, tree: dict[str, Any]) -> None:
        """Keys, texts of any shape, numbers and containers come back as they were, types too."""
        document = config_format.parse(config_format.dump(tree))
        assert isinstance(document, Document)
        assert typed(document.data) == typed(tree)

    @pytest.mark.parametrize("section", [(), ("section",), ("section", "inner")], ids=dotted)
    def test_a_key_that_stands_twice_is_refused(self, config_format: ConfigFormat, section: Path) -> None:
        """Two values for one key are a mistake that no parser may settle by taking the last; the error points at the second."""
        tree: dict[str, Any] = {_FIRST: 1, "between": 2, _OTHER: 3}
        for key in reversed(section):
            tree = {str(key): tree}
        text = config_format.dump(tree)
        with pytest.raises(FormatError) as refusal:
            config_format.parse(text.replace(_OTHER, _FIRST))
        assert refusal.value.line == text[: text.index(_OTHER)].count("\n") + 1

    def test_it_knows_the_place_of_every_value(self, config_format: ConfigFormat) -> None:
        """Every value, containers too, has a span; line and column say the same place as the offset, counted in characters."""
        text = config_format.dump(PLACES)
        spans = config_format.parse(text).spans()
        for path, _ in paths(PLACES):
            assert path in spans, dotted(path)
            span = spans[path]
            assert 0 <= span.start <= span.end <= len(text), dotted(path)
            before = text[: span.start]
            assert span.line == before.count("\n") + 1, dotted(path)
            assert span.column == len(before) - (before.rfind("\n") + 1) + 1, dotted(path)

    def test_a_span_holds_the_value_s_text_and_no_more(self, config_format: ConfigFormat) -> None:
        """Put another number in the place of a number and another text in the place of a text: just that value changes."""
        text = config_format.dump(PLACES)
        spans = config_format.parse(text).spans()
        for path, value in leaves(PLACES):
            start, end = spans[path].start, spans[path].end
            new: object = 4711 if isinstance(value, int) else "a new text"
            written = str(new) if isinstance(new, int) else config_format.scalar(str(new), like=text[start:end])
            changed = config_format.parse(text[:start] + written + text[end:])
            assert typed(changed.data) == typed(put(PLACES, path, new)), dotted(path)

    @pytest.mark.parametrize("value", TEXTS, ids=range(len(TEXTS)))
    def test_any_text_can_stand_in_the_place_of_another(self, config_format: ConfigFormat, value: str) -> None:
        """`scalar` quotes as the value needs it, whatever it replaces; neighbours stay as they are."""
        tree = {
            "before": "a",
            "texts": {"short": "a", "quoted": '"', "lines": "a\nb", "empty": ""},
            "after": ["a", "b"],
        }
        text = config_format.dump(tree)
        spans = config_format.parse(text).spans()
        for path, old in leaves(tree):
            if isinstance(old, str):
                start, end = spans[path].start, spans[path].end
                changed = text[:start] + config_format.scalar(value, like=text[start:end]) + text[end:]
                assert config_format.parse(changed).data == put(tree, path, value), dotted(path)

    def test_files_of_windows_read_the_same(self, config_format: ConfigFormat) -> None:
        """Lines that end in CR LF give the same values, and lines are counted the same."""
        text = config_format.dump(PLACES)
        document = config_format.parse(text.replace("\n", "\r\n"))
        assert document.data == PLACES
        lines = {path: span.line for path, span in config_format.parse(text).spans().items()}
        assert {path: span.line for path, span in document.spans().items()} == lines

    def test_what_is_no_document_is_refused(self, config_format: ConfigFormat) -> None:
        """Text that is none of the format, or whose root is no mapping, is a `FormatError` with a message."""
        for text in self.malformed:
            with pytest.raises(FormatError) as refusal:
                config_format.parse(text)
            assert str(refusal.value).strip()
            assert refusal.value.line is None or refusal.value.line >= 1

    def test_a_damaged_document_breaks_nothing_and_tells_no_secret(self, config_format: ConfigFormat) -> None:
        """Cut anywhere, or with any one character missing or changed, it reads as something else, or is a `FormatError`.

        Neither the message nor what is chained to it holds anything of the values.
        """
        text = config_format.dump({"password": SECRET, "list": [1, {"name": SECRET}], "port": 80})
        damaged = [text[:at] for at in range(len(text))]
        damaged += [text[:at] + other + text[at + 1 :] for at in range(len(text)) for other in ("", '"', "[", "\0")]
        for document in damaged:
            assert SECRET not in _complaint(config_format, document)
