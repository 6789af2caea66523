"""`Answer`: what a server gave for a document, and the layer that it makes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from trivet import FormatError, Layer, Origin
from trivet.config.layer import REMOTE
from trivet_plugins.config.document_file import decode

if TYPE_CHECKING:
    from trivet import ConfigFormat

_GENERIC: Final = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})
"""Content types that say nothing: the suffix of the URL decides."""


@attrs.frozen(eq=False, kw_only=True)
class Answer:
    """A document as it came.

    Args:
        body: Decompressed.
        content_type: In lower case, without parameters; empty where the server did not say.
        etag: As the server wrote it.
        last_modified: As the server wrote it.
        refusal: Why it was not read to its end.
        cached: When it was written to the cache that it comes from, in seconds since the epoch; None for a server's.
    """

    body: bytes = attrs.field(repr=False)
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    refusal: str = ""
    cached: float | None = None

    def same_content(self, other: Answer) -> bool:
        """Tell whether another answer says the same."""
        return (self.body, self.content_type, self.refusal) == (other.body, other.content_type, other.refusal)

    @property
    def revision(self) -> str:
        """The ETag without its quotes; a hash of the content where the server gives none."""
        tag = self.etag.removeprefix("W/").strip('"')
        text = tag or f"sha256:{hashlib.sha256(self.body).hexdigest()[:12]}"
        return text if self.cached is None else f"{text} (cached {utc(self.cached)})"


def utc(seconds: float) -> str:
    """Write a time for a message."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def layer_of(answer: Answer, source: str, name: str, reader: ConfigFormat | None) -> Layer:
    """Parse an answer into a layer; what is wrong with it is a problem of the layer.

    Args:
        answer: What to parse.
        source: The address as it may be shown.
        name: Of the layer.
        reader: The format; None where none reads it.
    """
    try:
        if answer.refusal:
            raise FormatError(answer.refusal)  # noqa: TRY301 - said like all that is wrong with a document
        if reader is None:
            kind = answer.content_type or "no content type"
            raise FormatError(f"no format reads {kind}; say which it is with plugins.http.format")  # noqa: TRY301
        document = reader.parse(decode(answer.body))
    except FormatError as exc:
        origin = Origin(name, source, exc.line, exc.column, answer.revision)
        return Layer.refused(str(exc), origin, priority=REMOTE)
    whole = Origin(name, source, revision=answer.revision)
    return Layer.of_document(document, whole, priority=REMOTE, remote=True)


def reader_of(
    content_type: str, suffix: str, wanted: str | None, formats: Mapping[str, ConfigFormat]
) -> ConfigFormat | None:
    """Choose the format: the one asked for, else the content type's, else the suffix's.

    Args:
        content_type: In lower case, without parameters.
        suffix: Of the URL.
        wanted: The name of a format, which is a suffix without its dot.
        formats: By suffix.
    """
    if wanted is not None:
        return formats.get(f".{wanted.lower()}")
    if content_type in _GENERIC:
        return formats.get(suffix)
    subtype = content_type.partition("/")[2]
    names = (subtype.removeprefix("x-").removeprefix("vnd."), subtype.rpartition("+")[2])  # RFC 6839: +json, +yaml
    return next((formats[f".{name}"] for name in names if f".{name}" in formats), None)
