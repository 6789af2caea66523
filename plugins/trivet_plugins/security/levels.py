"""The security levels as data: every figure, and where it is from. ``docs/explanation/security-levels.md`` prints this table.

"OWASP" is the Password Storage Cheat Sheet of the OWASP Cheat Sheet Series (state of August 2026). "ours" is a choice of this
project where no public source names a figure; the reason stands beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import attrs

from trivet import Argon2Cost, SecurityLevel

DEFAULT: Final = "high"

_DAY: Final = 86_400.0
_XAES: Final = 1
_AES_GCM: Final = 2
_CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

_OWASP_MINIMUM: Final = Argon2Cost(memory=19_456, passes=2, lanes=1)
_RFC_LOW: Final = Argon2Cost(memory=65_536, passes=3, lanes=4)
_PARANOID: Final = Argon2Cost(memory=262_144, passes=4, lanes=4)
_RFC_HIGH: Final = Argon2Cost(memory=2_097_152, passes=1, lanes=4)

_STANDARD_LEVEL: Final = SecurityLevel(
    name="standard",
    password=_OWASP_MINIMUM,
    password_alternatives=tuple(
        Argon2Cost(memory=memory, passes=passes, lanes=1)
        for memory, passes in ((47_104, 1), (12_288, 3), (9_216, 4), (7_168, 5))
    ),
    password_bound=Argon2Cost(memory=262_144, passes=10, lanes=16),
    passphrase=_OWASP_MINIMUM,
    passphrase_bound=Argon2Cost(memory=2_097_152, passes=4, lanes=16),
    pbkdf2_rounds=600_000,
    pbkdf2_bound=10_000_000,
    suite=_AES_GCM,
    commitment=False,
    key_age=365 * _DAY,
    key_messages=2**31,
    audit="chain",
    manifest=False,
    kdf_concurrency=_CORES,
    sources={
        "password": "OWASP, first choice for Argon2id: 19 MiB, 2 passes, 1 lane",
        "password_alternatives": "OWASP, the other choices for Argon2id",
        "password_bound": "ours: all that level paranoid makes, so that stepping down locks nobody out",
        "passphrase": "as password",
        "passphrase_bound": "ours: the memory of RFC 9106's first recommendation, and passes enough for all levels",
        "pbkdf2_rounds": "OWASP, PBKDF2-HMAC-SHA256",
        "pbkdf2_bound": "ours: about a second of work",
        "suite": "NIST SP 800-38D, AES-256-GCM",
        "commitment": "ours: envelopes commit to their key at every level; here a cipher need not do it too",
        "key_age": "AWS KMS rotates yearly by default; NIST SP 800-57 Part 1 allows two years",
        "key_messages": "NIST SP 800-38D, 8.3: at most 2^32 with random 96-bit nonces; half of it",
        "audit": "ours",
        "manifest": "ours: asked for where whoever writes the files is not trusted; one that is there always counts",
        "kdf_concurrency": "ours: one per core; more only wait for each other, hold memory and keep the event loop waiting",
    },
)

_HIGH_LEVEL: Final = attrs.evolve(
    _STANDARD_LEVEL,
    name="high",
    password=_RFC_LOW,
    password_alternatives=(),
    passphrase=_RFC_LOW,
    pbkdf2_rounds=1_000_000,
    suite=_XAES,
    commitment=True,
    key_age=90 * _DAY,
    key_messages=2**32,
    audit="checkpoints",
    sources={
        **_STANDARD_LEVEL.sources,
        "password": "RFC 9106, section 4, second recommendation: 64 MiB, 3 passes, 4 lanes",
        "password_alternatives": "none: RFC 9106 names one figure for machines without 2 GiB to spare",
        "pbkdf2_rounds": "ours: OWASP's minimum and two thirds more",
        "suite": "C2SP XAES-256-GCM",
        "commitment": "ours: a value that opens under two keys is no evidence of what was sealed",
        "key_age": "ASP.NET Core Data Protection and Google Cloud KMS recommend 90 days",
        "key_messages": "ours: C2SP allows 2^80; a key that leaks should open less",
    },
)

_PARANOID_LEVEL: Final = attrs.evolve(
    _HIGH_LEVEL,
    name="paranoid",
    password=_PARANOID,
    password_bound=Argon2Cost(memory=524_288, passes=10, lanes=16),
    passphrase=_RFC_HIGH,
    pbkdf2_rounds=1_300_000,
    key_age=30 * _DAY,
    key_messages=2**28,
    audit="fail_closed",
    manifest=True,
    kdf_concurrency=1,
    sources={
        **_HIGH_LEVEL.sources,
        "password": "ours: four times the memory of RFC 9106's second recommendation, under OWASP's limit of a second",
        "password_bound": "ours: twice the memory of what the level makes",
        "passphrase": "RFC 9106, section 4, first recommendation: 2 GiB, 1 pass, 4 lanes",
        "pbkdf2_rounds": "ours: more than twice OWASP's minimum",
        "key_age": "ours: a third of level high",
        "manifest": "ours: a value that is removed or replaced by an older one opens nothing and is seen by nobody else",
        "kdf_concurrency": "ours: one hash at a time, 256 MiB",
    },
)

LEVELS: Final[Mapping[str, SecurityLevel]] = {
    level.name: level for level in (_STANDARD_LEVEL, _HIGH_LEVEL, _PARANOID_LEVEL)
}
