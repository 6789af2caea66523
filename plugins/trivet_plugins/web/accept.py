"""Content negotiation: which media type an ``Accept`` header wants (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def best_match(accept: str, offers: Sequence[str]) -> str | None:
    """Return the offer that an ``Accept`` header likes best.

    Args:
        accept: The header; empty accepts everything.
        offers: Media types with parameters, the preferred one first; it wins ties.

    Returns:
        One of the offers, or None where none is acceptable.
    """
    ranges = [_parse(part) for part in accept.split(",") if part.strip()] or [_parse("*/*")]
    best, best_quality = None, 0.0
    for offer in offers:
        quality = _quality(_parse(offer), ranges)
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an ``Accept-Encoding`` header allows gzip."""
    codings = dict(map(_parse, accept_encoding.split(",")))
    wanted = codings.get("gzip", codings.get("*"))
    return wanted is not None and _number(wanted.get("q", "1")) > 0


def _parse(text: str) -> tuple[str, dict[str, str]]:
    media, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest if "=" in part)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs}


def _quality(offer: tuple[str, Mapping[str, str]], ranges: Sequence[tuple[str, Mapping[str, str]]]) -> float:
    """Return the quality that the most specific matching range gives an offer; 0 where none matches."""
    found = (-1, 0.0)
    for media, parameters in ranges:
        specificity = _specificity(offer, media, {k: v for k, v in parameters.items() if k != "q"})
        if specificity > found[0]:
            found = (specificity, _number(parameters.get("q", "1")))
    return found[1]


def _specificity(offer: tuple[str, Mapping[str, str]], media: str, wanted: Mapping[str, str]) -> int:
    name, has = offer
    # A parameter that the offer does not state (charset, escaping) is no contradiction; another version is.
    if any(has.get(key, value) != value for key, value in wanted.items()):
        return -1
    if media == name:
        return 2 + len(wanted)
    if media == "*/*":
        return 0
    return 1 if media == f"{name.partition('/')[0]}/*" else -1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
