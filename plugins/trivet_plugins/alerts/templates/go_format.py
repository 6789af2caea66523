"""How Go writes values: `shown` as ``fmt.Print`` does, `printf` as ``fmt.Sprintf`` does."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from trivet_plugins.alerts.templates.values import Moment, Record, Sequence, Span, Table, Value, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WIDTH: Final = 10_000
"""Characters that a width or a precision may ask for."""

_VERB: Final = re.compile(r"%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(.)?", re.DOTALL)
_INTEGERS: Final = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_FLOATS: Final = frozenset("eEfFgG")
_UNITS: Final = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))


def shown(value: Value) -> str:
    """Return a value as ``{{ }}`` writes it."""
    return _SHOWN[type(value)](value)


def _table_text(value: Table) -> str:
    return f"map[{' '.join(f'{name}:{shown(one)}' for name, one in sorted(value.items()))}]"


def float_text(value: float) -> str:
    """Return a number as Go's ``%v`` writes it: the fewest digits that tell it, an exponent from 1e+06 up and 1e-05 down."""
    if not math.isfinite(value):
        return _odd(value)
    digits, exponent = _shortest(value)
    sign = "-" if math.copysign(1, value) < 0 else ""
    if exponent < -4 or exponent >= 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{sign}{whole}.{digits[exponent + 1 :]}" if digits[exponent + 1 :] else f"{sign}{whole}"


def _shortest(value: float) -> tuple[str, int]:
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    position = len(whole) - 1 - leading + int(exponent or 0)
    return digits.rstrip("0") or "0", position if digits.rstrip("0") else 0


def _odd(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def four_digits(value: float) -> str:
    """Return a number as ``%.4g`` writes it."""
    return f"{value:.4g}" if math.isfinite(value) else _odd(value)


def moment_text(seconds: float) -> str:
    """Return a time as Go prints it, in UTC, to the millisecond."""
    milliseconds = math.trunc(seconds * 1_000)
    whole, rest = divmod(milliseconds, 1_000)
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=whole)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def span_text(nanoseconds: int) -> str:
    """Return a duration as Go prints it: ``1h2m3.5s``, ``1.5ms``."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < 1_000_000_000:
        for size, unit in ((1_000_000, "ms"), (1_000, "µs"), (1, "ns")):
            if rest >= size:
                return f"{sign}{rest / size:.9g}{unit}"
        return "0s"
    text = ""
    for size, unit in _UNITS:
        if rest >= size or text:
            text += f"{rest // size}{unit}"
            rest %= size
    fraction = f"{rest / 1_000_000_000:.9f}".rstrip("0").rstrip(".")
    return f"{sign}{text}{fraction}s"


def quoted(text: str) -> str:
    """Return a text in double quotes, as ``%q`` writes it."""
    short = {"\a": r"\a", "\v": r"\v", "\x7f": r"\x7f"}
    pieces: list[str] = []
    for character in text:
        if character in short:
            pieces.append(short[character])
        elif character < " " and character not in "\b\f\n\r\t":
            pieces.append(f"\\x{ord(character):02x}")
        elif character.isprintable() or character in '"\\\b\f\n\r\t':
            pieces.append(json.dumps(character, ensure_ascii=False)[1:-1])
        else:
            code = ord(character)
            pieces.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return f'"{"".join(pieces)}"'


def printf(form: str, arguments: Iterable[Value]) -> str:
    """Return what ``fmt.Sprintf`` makes of a form and arguments: wrong verbs and numbers of arguments are told in the text."""
    given = [*arguments]
    used = 0

    def next_argument() -> Value:
        nonlocal used
        used += 1
        return given[used - 1] if used <= len(given) else None

    def written(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        width = str(next_argument()) if width == "*" else width
        precision = str(next_argument()) if precision == "*" else precision
        if precision is None and "." in found[0][:-1]:
            precision = "0"
        if used >= len(given):
            return f"%!{verb}(MISSING)"
        return _padded(_verb(verb, next_argument(), flags, _size(precision)), flags, _size(width), verb)

    text = _VERB.sub(written, form)
    extra = ", ".join(f"{kind_of(one)}={shown(one)}" for one in given[used:])
    return f"{text}%!(EXTRA {extra})" if extra else text


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    return min(int(text), MAX_WIDTH) if text.isdigit() else None


def _verb(verb: str, value: Value, flags: str, precision: int | None) -> str:
    if verb == "T":
        return kind_of(value)
    if verb in {"v", "s"} and not isinstance(value, (int, float)):
        return _nothing(value)[:precision]
    return _typed_verb(verb, value, "+" if "+" in flags else " " if " " in flags else "", precision)


def _typed_verb(verb: str, value: Value, plus: str, precision: int | None) -> str:
    if isinstance(value, str):
        return _text_verb(verb, value, precision)
    if isinstance(value, bool):
        return shown(value) if verb in {"t", "v"} else _wrong(verb, value)
    if isinstance(value, int):
        return _integer_verb(verb, value, plus)
    if isinstance(value, float):
        return _float_verb(verb, value, plus, precision)
    return _wrong(verb, value)


def _nothing(value: Value) -> str:
    return "<nil>" if value is None else shown(value)


def _wrong(verb: str, value: Value) -> str:
    return f"%!{verb}({kind_of(value)}={_nothing(value)})"


def _text_verb(verb: str, value: str, precision: int | None) -> str:
    cut = value[:precision]
    if verb == "q":
        return quoted(cut)
    if verb in {"x", "X"}:
        digits = cut.encode(errors="surrogateescape").hex()
        return digits.upper() if verb == "X" else digits
    return _wrong(verb, value)


def _integer_verb(verb: str, value: int, plus: str) -> str:
    if verb == "v":
        return f"{value:{plus}d}" if plus else str(value)
    if verb in _INTEGERS:
        prefix = "0o" if verb == "O" else ""
        return f"{prefix}{value:{plus}{_INTEGERS[verb]}}"
    if verb in {"c", "q", "U"} and 0 <= value < 0x110000:
        return {"c": chr(value), "q": f"'{chr(value)}'", "U": f"U+{value:04X}"}[verb]
    return _wrong(verb, value)


def _float_verb(verb: str, value: float, plus: str, precision: int | None) -> str:
    if verb not in _FLOATS and verb != "v":
        return _wrong(verb, value)
    if not math.isfinite(value):
        return _odd(value)
    if verb in {"v", "g", "G"} and precision is None:
        text = float_text(value)
        text = text.upper() if verb == "G" else text
        return f"{plus}{text}" if plus and value >= 0 else text
    kind = "g" if verb == "v" else verb
    return f"{value:{plus}.{6 if precision is None else precision}{kind}}"


def _padded(text: str, flags: str, width: int | None, verb: str) -> str:
    if width is None or len(text) >= width:
        return text
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and verb not in {"v", "T"} | {"q"}:
        sign = text[:1] if text[:1] in {"+", "-"} else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


_SHOWN: Final[dict[type, Callable[[Any], str]]] = {
    str: str,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: float_text,
    type(None): lambda _value: "<no value>",
    Table: _table_text,
    Record: lambda value: f"{{{' '.join(map(shown, value.values()))}}}",
    Sequence: lambda value: f"[{' '.join(map(shown, value))}]",
    Moment: lambda value: moment_text(value.seconds),
    Span: lambda value: span_text(value.nanoseconds),
}
