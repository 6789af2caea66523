"""Prepare passwords for hashing, so that one password typed on two keyboards is one byte sequence: the OpaqueString profile.

RFC 8265, section 4.2.2: all spaces become U+0020, then Unicode normalisation form C; case and width stay. An empty password and
control characters are refused. Of what else the profile forbids, lone surrogates are refused too; unassigned code points and
joiners are let through: what is unassigned depends on the version of Python, and emoji are made with joiners.
"""

from __future__ import annotations

import unicodedata

_REFUSED = {"Cc": "a control character", "Cs": "half of a character"}


def prepare(password: str) -> str:
    """Return the password in its one form.

    Raises:
        ValueError: if it is empty or holds a character that is refused; says what, and never which or where.
    """
    if not password:
        raise ValueError("it is empty")
    if password.isascii() and password.isprintable():
        return password
    kinds = {unicodedata.category(character) for character in password}
    for kind in kinds & _REFUSED.keys():
        raise ValueError(f"it holds {_REFUSED[kind]}")
    if "Zs" in kinds:
        password = "".join(" " if unicodedata.category(one) == "Zs" else one for one in password)
    return unicodedata.normalize("NFC", password)
