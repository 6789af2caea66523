"""`Cursor`: goes through the words of a text, one after the other."""

from __future__ import annotations

from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.tokens import Token, place_in, unquoted


class Cursor:
    """A place among words.

    Args:
        text: The query.
        words: Its words.
    """

    def __init__(self, text: str, words: list[Token]) -> None:
        self._text = text
        self._words = words
        self._at = 0

    def peek(self) -> Token:
        """Return the next word; one of the kind ``end`` after the last."""
        return self._words[self._at] if self._at < len(self._words) else Token("end", "", len(self._text))

    def take(self) -> Token:
        """Return the next word, and go past it."""
        word = self.peek()
        self._at += 1
        return word

    def skip(self, text: str) -> bool:
        """Go past a word, if it is the next one; return whether it is."""
        found = self.peek().text.lower() == text
        self._at += found
        return found

    def expect(self, text: str) -> None:
        """Go past a word.

        Raises:
            QueryError: if it is not the next one.
        """
        if not self.skip(text):
            raise self.wrong(f"{text!r} is expected here, not {self.peek().text!r}")

    def signs(self) -> None:
        """Go past signs."""
        while self.peek().text in {"+", "-"}:
            self._at += 1

    def quoted(self) -> str:
        """Go past a string, and return what it says.

        Raises:
            QueryError: if there is none.
        """
        word = self.take()
        if word.kind != "string":
            raise self.wrong("a string is expected here", word.start)
        try:
            return unquoted(word.text)
        except QueryError as exc:
            raise self.wrong(exc.reason, word.start) from None

    def place(self, start: int | None = None) -> tuple[int, int]:
        """Return line and column of the next word, or of a place in the text."""
        return place_in(self._text, self.peek().start if start is None else start)

    def wrong(self, reason: str, start: int | None = None) -> QueryError:
        """Return an error about the next word, or about a place in the text."""
        return QueryError(reason, *self.place(start))
