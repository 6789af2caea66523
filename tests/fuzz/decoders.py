"""Every decoder of bytes that a stranger may write: `DECODERS`, fuzzed by ``make fuzz`` and, for a moment, by the tests.

A new one is one more entry: a function of bytes, the exceptions by which it refuses, and examples to start from. Whatever else
it raises is a finding; so is an `AssertionError` of what the function itself claims of an answer.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from trivet import FormatError, Key
from trivet.ciphers import base64url
from trivet.ciphers.envelope import Envelope, EnvelopeError
from trivet.ciphers.passwords import PasswordError
from trivet.ciphers.signing import _parse as parse_signature
from trivet.ciphers.stream import StreamError, StreamHeader, StreamOpener, StreamSealer
from trivet.ciphers.suite import Suite
from trivet.config.coercion import guess, to_bool, to_duration, to_float, to_int
from trivet.config.limits import LIMITS
from trivet.config.origin import dotted, parse_path
from trivet.config.reference import parse as parse_template
from trivet.config.remembered import Remembered
from trivet.errors import KeyRingError, TrivetError
from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.labels import series_text
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.rules.rule_file import parse_rules
from trivet_plugins.alerts.templates.errors import TemplateError
from trivet_plugins.alerts.templates.template import Template, TemplateData
from trivet_plugins.cli.splice import SpliceError, SpliceFile
from trivet_plugins.config.document_file import decode as decode_document
from trivet_plugins.config.dotenv_entries import entries, raw_entries
from trivet_plugins.config.json import Json
from trivet_plugins.config.toml import Toml
from trivet_plugins.config.yaml import Yaml
from trivet_plugins.security.audit.checkpoint import Checkpoint, PublicKey, Signer
from trivet_plugins.security.audit.proof_file import ProofFile
from trivet_plugins.security.audit.record import AuditRecord, TaggedRecord, line_of
from trivet_plugins.security.audit.state import SLOT_BYTES, LogState, newest
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.keys import document as key_document
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.master_text import master_key, passphrase
from trivet_plugins.security.merkle import leaf_hash
from trivet_plugins.security.passwords.argon2id import _parse as parse_argon2id
from trivet_plugins.security.passwords.pbkdf2_sha256 import _parse as parse_pbkdf2
from trivet_plugins.security.passwords.pepper import unmark
from trivet_plugins.security.sealed.manifest import Manifest


@attrs.frozen
class Decoder:
    """Something that reads what a stranger wrote.

    Args:
        read: Takes the bytes; asserts what it can of the answer.
        refusals: What it may raise.
        seeds: Examples, good ones at best.
    """

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def try_with(self, raw: bytes) -> None:
        """Read; a refusal is fine."""
        try:
            self.read(raw)
        except self.refusals:
            return


def text_of(raw: bytes) -> str:
    """Text of any bytes, lone surrogates included."""
    return raw.decode("utf-8", "surrogateescape")


# -- sealed data ---------------------------------------------------------------------------------------------------------

SUITE = Suite.of("aes_256_gcm", AesGcm())
KEY = Key(7, 2, bytes(range(32)))
ENVELOPE = Envelope(2, 7, b"c" * 32, b"n" * 24, b"sealed and tagged").encode().encode()


def read_envelope(raw: bytes) -> None:
    """One form only."""
    assert Envelope.decode(text_of(raw)).encode() == text_of(raw)


def read_base64url(raw: bytes) -> None:
    """One form only."""
    assert base64url.encode(base64url.decode(text_of(raw))) == text_of(raw)


def read_stream(raw: bytes) -> None:
    """What opens is what was sealed: the fuzzer cannot forge a tag."""
    opener = StreamOpener(SUITE, KEY, b"place", StreamHeader.decode(raw[:70]))
    cut = len(raw) // 2
    opened = opener.update(raw[70:cut]) + opener.update(raw[max(70, cut) :]) + opener.finish()
    assert opened == b"plaintext"


def stream() -> bytes:
    """A sealed one."""
    sealer = StreamSealer(SUITE, KEY, b"place")
    return sealer.header + sealer.update(b"plaintext") + sealer.finish()


def read_key_file(raw: bytes) -> None:
    """As it stands; and, where its MAC does not fit, as if whoever wrote it could make one."""
    try:
        KeyDocument.parse(raw, lambda _header: None)
    except ValueError:
        tree = json.loads(raw)
        if isinstance(tree, dict) and "mac" in tree:
            tree["mac"] = base64url.encode(key_document._mac(tree, None))
            KeyDocument.parse(json.dumps(tree).encode(), lambda _header: None)


KEY_FILE_V1 = json.dumps(
    {
        "version": 1,
        "keys": [
            {
                "id": "9f86d081884c7d65",
                "suite": 2,
                "state": "primary",
                "created": "2026-11-24T18:00:00Z",
                "material": base64url.encode(bytes(32)),
            }
        ],
    }
).encode()
KEY_FILE_V2 = attrs.evolve(KeyDocument.parse(KEY_FILE_V1, lambda _header: None), generation=1).dump()


def read_manifest(raw: bytes) -> None:
    """One form only, but for the order of the places."""
    lines = text_of(raw).split("\n")
    found = Manifest.parse(lines)
    assert sorted(found.dump()[1:]) == sorted(lines[1:])
    found.statement()


MANIFEST = Manifest.of({("db", "password"): "a", ("hosts", 0, 'x"y'): "b"}, 7)
MANIFEST = attrs.evolve(MANIFEST, signature="trivet-mac:1:" + "A" * 54)
DEEP_MANIFEST = "\n".join([MANIFEST.dump()[0], "A" * 43 + " " + "[" * 3000]).encode()


# -- configuration -------------------------------------------------------------------------------------------------------


def document(format_: Any) -> Callable[[bytes], None]:
    """Parse; then replace each of the first texts in place, as ``trivet secrets seal`` does."""

    def read(raw: bytes) -> None:
        text = decode_document(raw)
        found = format_.parse(text)
        for path, span in list(found.spans().items())[:5]:
            assert 0 <= span.start <= span.end <= len(text), path
            file = SpliceFile(pathlib.Path("fuzzed"), format_, raw, text, found)
            try:
                new = file.spliced(path, "trivet:1:AAAA")
            except (SpliceError, TrivetError):
                continue
            assert new.startswith(text[: span.start])
            assert new.endswith(text[span.end :])
            assert file.with_text(new).value(path) == "trivet:1:AAAA"

    return read


def read_dotenv(raw: bytes) -> None:
    """Both dialects; a bad line is an entry, not an exception."""
    text = decode_document(raw)
    for entry in (*entries(text), *raw_entries(text)):
        assert entry.line >= 1
        assert entry.column >= 1


def read_path(raw: bytes) -> None:
    """What is written of a path reads as the same path."""
    path = parse_path(text_of(raw))
    if '"' not in text_of(raw):
        assert parse_path(dotted(path)) == path


def read_scalar(raw: bytes) -> None:
    """Each reader of its own; guessing never fails."""
    text = text_of(raw)
    guess(text)
    for reader in (to_bool, to_int, to_float, to_duration):
        try:
            reader(text)
        except ValueError:
            continue


def read_remembered(raw: bytes) -> None:
    """The last known good configuration."""
    LIMITS.check(tree := json.loads(raw))
    Remembered.load(tree)


# -- audit log -----------------------------------------------------------------------------------------------------------

RECORD = AuditRecord(
    seq=3,
    ts="2026-11-24T18:00:00.000000Z",
    kernel="orders",
    node="host",
    actor=None,
    op="open",
    target="config a",
    key_id=None,
    outcome="ok",
    reason=None,
)
PUBLIC_KEY = PublicKey("orders", bytes(32))
STATE = LogState(
    generation=3,
    seq=7,
    key=bytes(32),
    tag=bytes(32),
    segment=0,
    size=700,
    peaks=(bytes(32),) * 3,
    notes=0,
    signed=0,
    signed_at=0.0,
).slot()
SIGNER = Signer("orders/audit/1", bytes(32))
PROOF = (
    ProofFile(
        checkpoint=SIGNER.sign(1, leaf_hash(b"{}")),
        hashes=(),
        record="{}",
        index=0,
    )
    .dump()
    .encode()
)
CHECKPOINT = "orders\n7\n" + "A" * 43 + "=\n"


def read_record(raw: bytes) -> None:
    """One form only."""
    found = TaggedRecord.parse(raw)
    assert line_of(found.record.parts(), found.tag) == raw


def read_proof(raw: bytes) -> None:
    """As a file; and what it proves."""
    ProofFile.parse(raw).statement(SIGNER.public)


def read_state(raw: bytes) -> None:
    """As it stands; and as the body of a slot whose digest fits."""
    newest(raw)
    body = raw[: SLOT_BYTES - 65].ljust(SLOT_BYTES - 65)
    LogState.of(hashlib.sha256(body).hexdigest().encode() + b" " + body)


# -- alert rules ---------------------------------------------------------------------------------------------------------


def read_query(raw: bytes) -> None:
    """What is understood is understood in the same way again."""
    query = Query.parse(text_of(raw))
    assert Query.parse(query.text).tree == query.tree


def read_series(raw: bytes) -> None:
    """What is written of a series reads as the same series."""
    labels = parse_series(text_of(raw))
    assert parse_series(series_text(labels)) == labels


DECODERS: Mapping[str, Decoder] = {
    "envelope": Decoder(read_envelope, (EnvelopeError,), (ENVELOPE, b"trivet:1:")),
    "base64url": Decoder(read_base64url, (ValueError,), (b"QUJD", b"QQ", b"_-8")),
    "stream": Decoder(read_stream, (StreamError,), (stream(),)),
    "signature": Decoder(lambda raw: parse_signature(text_of(raw)), (), (b"trivet-mac:1:" + b"A" * 54,)),
    "key_file": Decoder(read_key_file, (ValueError, RecursionError), (KEY_FILE_V1, KEY_FILE_V2)),
    "manifest": Decoder(read_manifest, (ValueError,), ("\n".join(MANIFEST.dump()).encode(), DEEP_MANIFEST)),
    "master_key": Decoder(lambda raw: master_key(raw, "here"), (KeyRingError,), (b"A" * 43 + b"=\n",)),
    "passphrase": Decoder(lambda raw: passphrase(raw, "here"), (KeyRingError,), (b"correct horse battery staple\n",)),
    "argon2id": Decoder(
        lambda raw: parse_argon2id(text_of(raw)),
        (PasswordError,),
        (b"$argon2id$v=19$m=65536,t=3,p=4$" + b"A" * 22 + b"$" + b"A" * 43,),
    ),
    "pbkdf2": Decoder(
        lambda raw: parse_pbkdf2(text_of(raw)),
        (PasswordError,),
        (b"$pbkdf2-sha256$i=600000,l=32$" + b"A" * 22 + b"$" + b"A" * 43,),
    ),
    "pepper": Decoder(
        lambda raw: unmark(text_of(raw)), (PasswordError,), (b"$pepper$k=0123456789abcdef$argon2id$v=19",)
    ),
    "toml": Decoder(
        document(Toml()), (FormatError,), (b'[a]\nb = "c"  # d\n"e f" = [1, {g = \'h\'}]\ni.j = 1979-05-27\n',)
    ),
    "yaml": Decoder(document(Yaml()), (FormatError,), (b"a:\n  - &x 'c'\n  - *x\nd: |\n  e\nf: {g: \"h\"}\n",)),
    "json": Decoder(document(Json()), (FormatError,), (b'{"a": [1, "b", {"c\\u00e9": null}], "d": 1e5}',)),
    "dotenv": Decoder(read_dotenv, (FormatError,), (b"export A='b'\nC=\"d\\n\" # e\nF=g\n",)),
    "template": Decoder(lambda raw: parse_template(text_of(raw)), (ValueError,), (b"a ${b.c:-d} ${env:X:-${e}} $${",)),
    "path": Decoder(read_path, (ValueError,), (b'database.hosts[0]."a b".c',)),
    "scalar": Decoder(read_scalar, (), (b"10s", b"0x1F", b"1_000", b"[1, 2]", b"1h30m", b"-inf")),
    "last_known_good": Decoder(
        read_remembered,
        (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError),
        (b'{"saved": 1.0, "sources": {"files": []}}',),
    ),
    "audit_record": Decoder(read_record, (ValueError,), (line_of(RECORD.parts(), bytes(32)),)),
    "audit_checkpoint": Decoder(lambda raw: Checkpoint.of(text_of(raw)), (ValueError,), (CHECKPOINT.encode(),)),
    "audit_public_key": Decoder(lambda raw: PublicKey.parse(text_of(raw)), (ValueError,), (str(PUBLIC_KEY).encode(),)),
    "audit_state": Decoder(read_state, (), (STATE,)),
    "audit_note": Decoder(
        lambda raw: SIGNER.public.open(text_of(raw)), (ValueError,), (SIGNER.sign(7, bytes(32)).encode(),)
    ),
    "audit_proof": Decoder(read_proof, (ValueError,), (PROOF,)),
    "promql": Decoder(
        read_query,
        (QueryError,),
        (
            b'sum by (a) (rate(m{b="c",d=~"e|f"}[5m] offset 1m)) / on (a) group_left (g) n > bool 1.5e3',
            b'label_replace(x, "a", "$1", "b", "(.*)") or max_over_time(-y[1h:1m] @ end()) ^ 2',
        ),
    ),
    "alert_template": Decoder(
        lambda raw: Template(text_of(raw)).expand(TemplateData(labels=(("job", "a"),), value=1.5)),
        (TemplateError,),
        (
            b'{{ range $i, $x := $labels }}{{ if eq $i "job" }}{{ $x | toUpper }}{{ end }}{{ else }}-{{ end }}',
            b'{{ printf "%5.1f %q" $value $labels.job }}{{- /* c */ -}}{{ with $labels.none }}{{ . }}{{ end }}',
        ),
    ),
    "rule_file": Decoder(
        lambda raw: parse_rules("fuzz", raw.decode(errors="replace")),
        (),
        (
            b"groups: [{name: g, interval: 1m, rules: [{alert: A, expr: up == 0, for: 5m, labels: {a: '{{ $value }}'}}]}]",
        ),
    ),
    "promql_series": Decoder(read_series, (QueryError,), (b"up{job=\"a\\n\",x='b'}", b'{"a.b", "c d"="e"}')),
    "promql_values": Decoder(
        lambda raw: parse_values(text_of(raw)), (QueryError,), (b"0+1x5 _x3 stale 7 -1.5e3-2x4 NaN Inf",)
    ),
}
