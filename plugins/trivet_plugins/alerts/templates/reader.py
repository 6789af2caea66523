"""`read`: the syntax of a template from its text. Functions and variables are looked up here, not when it is expanded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NoReturn, cast

from trivet_plugins.alerts.templates.syntax import (
    MAX_DEPTH,
    MAX_TEXT,
    Action,
    Block,
    Called,
    Command,
    Dot,
    Include,
    Leave,
    Literally,
    Nested,
    Node,
    Operand,
    Parsed,
    Pipeline,
    Variable,
    Written,
)
from trivet_plugins.alerts.templates.tokens import Word, error_at, pieces_of
from trivet_plugins.alerts.templates.word_stream import WordStream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_END: Final = Word("end", "", 0)
_CONSTANTS: Final = {"true": True, "false": False, "nil": None}


def read(source: str, *, functions: Collection[str], variables: Iterable[str]) -> Parsed:
    """Read a template.

    Args:
        source: Its text.
        functions: The names of what may be called.
        variables: The names of what is there from the beginning, with their ``$``.

    Raises:
        TemplateError: with its place, if it is none.
    """
    if len(source) > MAX_TEXT:
        raise error_at(source, 0, f"a template has at most {MAX_TEXT:,} characters, this has {len(source):,}")
    reader = _Reader(source, functions, variables)
    body, ended = reader.body(0)
    if ended is not None:
        raise error_at(source, ended.at, f"there is nothing to {ended.text} here")
    return Parsed(body, reader.named)


class _Reader:
    def __init__(self, source: str, functions: Collection[str], variables: Iterable[str]) -> None:
        self._source = source
        self._functions = functions
        self._pieces = pieces_of(source)
        self._known = [*variables]
        self.named: dict[str, tuple[Node, ...]] = {}
        self._loops = 0

    # -- blocks ---------------------------------------------------------------------------------------------------------------

    def body(self, depth: int) -> tuple[tuple[Node, ...], Word | None]:
        """Read up to the ``end`` or ``else`` of the block, which is given too, or to the end of the text."""
        if depth > MAX_DEPTH:
            self._fail(0, f"blocks are nested more than {MAX_DEPTH} deep")
        nodes: list[Node] = []
        for piece in self._pieces:
            if piece.words is None:
                nodes.append(Written(piece.text))
                continue
            words = WordStream(self._source, piece.words)
            first = words.peek()
            if first.kind == "name" and first.text in {"end", "else"}:
                self._rest = words
                return tuple(nodes), words.take()
            node = self._node(words, depth)
            if node is not None:
                nodes.append(node)
        return tuple(nodes), None

    def _node(self, words: WordStream, depth: int) -> Node | None:
        first = words.peek()
        kind = first.text if first.kind == "name" else ""
        if kind in {"if", "with", "range"}:
            words.take()
            return self._block(cast("Literal['if', 'with', 'range']", kind), words, depth, first)
        if kind == "define":
            self._define(words, depth)
            return None
        if kind == "template":
            return self._include(words)
        if kind in {"break", "continue"}:
            words.take()
            words.end()
            if not self._loops:
                self._fail(first.at, f"{kind} stands in a range")
            return Leave(cast("Literal['break', 'continue']", kind))
        if kind == "block":
            self._fail(first.at, "block is not supported: use define and template")
        pipeline = self._pipeline(words, depth)
        words.end()
        return Action(pipeline)

    def _block(self, kind: Literal["if", "with", "range"], words: WordStream, depth: int, first: Word) -> Block:
        outside = len(self._known)
        pipeline = self._pipeline(words, depth, ranges=kind == "range")
        words.end()
        self._loops += kind == "range"
        body, ended = self.body(depth + 1)
        self._loops -= kind == "range"
        del self._known[outside + len(pipeline.variables) * pipeline.declares :]
        otherwise: tuple[Node, ...] = ()
        if ended is not None and ended.text == "else":
            otherwise, ended = self._otherwise(kind, depth)
        if ended is None:
            self._fail(first.at, f"this {kind} does not end: {{{{ end }}}} is missing")
        if ended.text == "end":
            self._rest.end()
        del self._known[outside:]
        return Block(kind, pipeline, body, otherwise)

    def _otherwise(self, kind: str, depth: int) -> tuple[tuple[Node, ...], Word | None]:
        words = self._rest
        following = words.peek()
        if following.kind == "name" and following.text == kind and kind != "range":
            words.take()
            # The `end` of the inner one is that of both.
            node = self._block(cast("Literal['if', 'with']", kind), words, depth + 1, following)
            return (node,), Word("closed", "", following.at)
        words.end()
        nodes, ended = self.body(depth + 1)
        if ended is not None and ended.text == "else":
            self._fail(ended.at, "there is an else before this one")
        return nodes, ended

    def _define(self, words: WordStream, depth: int) -> None:
        first = words.take()
        name = words.take()
        if name.kind != "string" or depth:
            self._fail(first.at, 'define "name" stands outside of blocks')
        words.end()
        known, self._known = self._known, ["$"]
        body, ended = self.body(depth + 1)
        self._known = known
        if ended is None or ended.text != "end":
            self._fail(first.at, "this define does not end: {{ end }} is missing")
        self._rest.end()
        self.named[name.text] = body

    def _include(self, words: WordStream) -> Include:
        first, name = words.take(), words.take()
        if name.kind != "string":
            self._fail(name.at, 'it is written template "name"')
        pipeline = None if words.peek().kind == "end" else self._pipeline(words, 0)
        words.end()
        return Include(name.text, pipeline, first.at)

    # -- pipelines ------------------------------------------------------------------------------------------------------------

    def _pipeline(self, words: WordStream, depth: int, *, ranges: bool = False) -> Pipeline:
        if depth > MAX_DEPTH:
            self._fail(words.peek().at, f"parentheses are nested more than {MAX_DEPTH} deep")
        at = words.peek().at
        variables, declares = self._variables(words, ranges=ranges)
        commands = [self._command(words, depth)]
        while words.peek().text == "|" and words.peek().kind == "sign":
            words.take()
            commands.append(self._command(words, depth))
            if not isinstance(commands[-1].operands[0], Called):
                self._fail(words.peek().at, "what follows | is a function")
        if declares:
            self._known += variables
        return Pipeline(tuple(commands), variables, declares, at)

    def _variables(self, words: WordStream, *, ranges: bool) -> tuple[tuple[str, ...], bool]:
        ahead = words.ahead()
        count = 3 if ranges and [one.text for one in ahead[1:2]] == [","] else 1
        names, sign = ahead[:count:2], ahead[count] if len(ahead) > count else _END
        if sign.kind != "sign" or sign.text not in {":=", "="} or any(one.kind != "variable" for one in names):
            return (), False
        for _ in range(count + 1):
            words.take()
        declares = sign.text == ":="
        for one in names:
            if not declares and one.text not in self._known:
                self._fail(one.at, f"there is no variable {one.text}")
        return tuple(one.text for one in names), declares

    def _command(self, words: WordStream, depth: int) -> Command:
        operands: list[Operand] = []
        while True:
            word = words.peek()
            if word.kind == "end" or (word.kind == "sign" and word.text in {"|", ")"}):
                break
            operands.append(self._operand(words, depth))
            if (following := words.next_is_glued()) is not None:
                self._fail(following.at, f"there is a space missing before {following.text!r}")
        if not operands:
            self._fail(words.peek().at, "there is nothing here to be evaluated")
        if len(operands) > 1 and not isinstance(operands[0], Called):
            self._fail(operands[1].at, "only a function takes arguments")
        return Command(tuple(operands))

    def _operand(self, words: WordStream, depth: int) -> Operand:
        word = words.take()
        if word.kind in {"string", "char", "number"}:
            return self._literal(word)
        if word.kind == "variable":
            if word.text not in self._known:
                self._fail(word.at, f"there is no variable {word.text}")
            return Variable(word.text, words.fields(), word.at)
        if word.kind == "field":
            return Dot((word.text[1:], *words.fields()), word.at)
        if word.kind == "sign" and word.text == ".":
            return Dot((), word.at)
        if word.kind == "sign" and word.text == "(":
            return self._nested(words, depth, word)
        return self._named(word)

    def _literal(self, word: Word) -> Literally:
        if word.kind == "number":
            return Literally(self._number(word), word.at)
        return Literally(ord(word.text) if word.kind == "char" else word.text, word.at)

    def _nested(self, words: WordStream, depth: int, opening: Word) -> Nested:
        pipeline = self._pipeline(words, depth + 1)
        closing = words.take()
        if closing.text != ")":
            self._fail(opening.at, "this parenthesis is not closed")
        return Nested(pipeline, words.fields(), opening.at)

    def _named(self, word: Word) -> Operand:
        if word.kind != "name":
            self._fail(word.at, f"{word.text!r} does not belong here")
        if word.text in _CONSTANTS:
            return Literally(_CONSTANTS[word.text], word.at)
        if word.text not in self._functions:
            self._fail(word.at, f"there is no function {word.text}")
        return Called(word.text, word.at)

    def _number(self, word: Word) -> float:
        text = word.text.replace("_", "")
        try:
            if "x" in text.lower():
                return int(text, 16)
            value = float(text) if {*text.lower()} & {".", "e"} else int(text)
        except ValueError:
            self._fail(word.at, f"{word.text} is no number")
        if not -(2**63) <= value < 2**63 and (isinstance(value, int) or math.isinf(value)):
            self._fail(word.at, f"{word.text} is too large")
        return value

    def _fail(self, at: int, reason: str) -> NoReturn:
        raise error_at(self._source, at, reason)
