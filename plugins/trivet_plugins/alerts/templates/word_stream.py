"""`WordStream`: the words of an action, taken one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.alerts.templates.tokens import error_at

if TYPE_CHECKING:
    from trivet_plugins.alerts.templates.tokens import Word


class WordStream:
    """The words of an action; spaces matter only between operands.

    Args:
        source: The template.
        words: Of the action, ``end`` at last.
    """

    def __init__(self, source: str, words: tuple[Word, ...]) -> None:
        self._source = source
        self._words = words
        self._at = 0

    def peek(self) -> Word:
        """Return the next word without taking it."""
        while self._words[self._at].kind == "space":
            self._at += 1
        return self._words[self._at]

    def take(self) -> Word:
        """Take the next word; the end stays."""
        word = self.peek()
        if word.kind != "end":
            self._at += 1
        return word

    def ahead(self) -> list[Word]:
        """Return some of the next words without taking them."""
        return [one for one in self._words[self._at : self._at + 10] if one.kind != "space"]

    def fields(self) -> tuple[str, ...]:
        """Take the fields that follow without a space."""
        found: list[str] = []
        while self._words[self._at].kind == "field":
            found.append(self._words[self._at].text[1:])
            self._at += 1
        return tuple(found)

    def next_is_glued(self) -> Word | None:
        """Return the next word where it is an operand that no space parts from the one before."""
        word = self._words[self._at]
        glued = word.kind not in {"space", "end"} and word.text not in {")", "|"}
        return word if glued else None

    def end(self) -> None:
        """Expect nothing more.

        Raises:
            TemplateError: if there is.
        """
        word = self.peek()
        if word.kind != "end":
            raise error_at(self._source, word.at, f"{word.text!r} does not belong here")
