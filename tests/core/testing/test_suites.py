"""The conformance suites find what they are there to find: each naive provider below fails the very promises that it breaks."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(120)

SETTINGS = """
[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

PRELUDE = """
import json

import attrs
import pytest

from trivet import *
from trivet.testing.suites import *
"""

XOR = """
class Xor:
    suite, key_bytes, nonce_bytes, tag_bytes, committing = 0xE001, 32, 12, 16, False
    max_messages, max_bytes = 2**32, 2**30

    def seal(self, key, nonce, aad, data):
        pad = (nonce + key) * (len(data) // 44 + 1)
        return bytes(a ^ b for a, b in zip(data, pad)) + bytes(16)

    def open(self, key, nonce, aad, data):
        return self.seal(key, nonce, aad, data[:-16])[:-16]


class TestXor(CipherBackendSuite):
    @pytest.fixture
    def cipher(self):
        return Xor()
"""

CARELESS_AEAD = """
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Careless:
    suite, key_bytes, nonce_bytes, tag_bytes, committing = 0xE001, 32, 12, 16, False
    max_messages, max_bytes = 2**32, 2**30

    async def seal(self, key, nonce, aad, data):
        return AESGCM(key).encrypt(bytes(12), data, None)

    async def open(self, key, nonce, aad, data):
        try:
            return AESGCM(key).decrypt(bytes(12), data, None)
        except InvalidTag:
            raise ValueError(f"{key.hex()} does not open it")


class TestCareless(CipherBackendSuite):
    @pytest.fixture
    async def cipher(self):
        return Careless()
"""

FORMAT = """
class NaiveFormat:
    suffixes = (".json",)

    def parse(self, text):
        try:
            return Document(json.loads(text), dict)
        except ValueError as exc:
            raise FormatError(f"{exc} in {text}")

    def dump(self, tree):
        return json.dumps(tree, indent=1)

    def scalar(self, text, *, like):
        return f'"{text}"'


class TestFormat(ConfigFormatSuite):
    malformed = ("[1]",)

    @pytest.fixture
    def config_format(self):
        return NaiveFormat()
"""

BYTE_OFFSETS = """
from trivet_plugins.config.toml import Toml


class ByteOffsets(Toml):
    def parse(self, text):
        document = super().parse(text)

        def spans():
            bytes_before = lambda at: len(text[:at].encode())
            return {
                path: attrs.evolve(span, start=bytes_before(span.start), end=bytes_before(span.end))
                for path, span in document.spans().items()
            }

        return Document(document.data, spans)


class TestByteOffsets(ConfigFormatSuite):
    @pytest.fixture
    def config_format(self):
        return ByteOffsets()
"""

SOURCE = """
class NaiveSource:
    def __init__(self, text):
        self.text = text
        self.loads = 0

    async def load(self, context):
        self.loads += 1
        data = {**json.loads(self.text), "loads": self.loads, "tuple": (1, 2)}
        return [Layer(name="naive", priority=1, data=data, locate=lambda path: Origin("somewhere else", ""))]


class TestSource(ConfigSourceSuite):
    @pytest.fixture
    def source(self):
        return NaiveSource('{"a": 1}')

    @pytest.fixture
    def broken(self):
        return NaiveSource('{"a"')
"""

RESOLVER = """
class NaiveResolver:
    scheme, bare = "NaiveResolver:", False

    async def resolve(self, argument, context):
        return Resolved({"database": "hunter2-of-the-suite"}[argument])


class TestResolver(ResolverSuite):
    @pytest.fixture
    def case(self):
        return ResolverCase(resolver=NaiveResolver(), argument="database", value="hunter2-of-the-suite", secret=True)
"""

CHECK = """
class NaiveCheck:
    plan = CheckPlan(timeout=0.5)
    asked = 0

    def __init__(self, well):
        self.well = well

    async def check(self):
        self.asked += 1
        if not self.well:
            return Verdict(Status.FAIL, "line one\\nline two")
        return Verdict(Status.PASS if self.asked == 1 else Status.WARN, "", {"nothing": float("nan")})


class TestCheck(HealthCheckSuite):
    @pytest.fixture
    def check(self):
        return NaiveCheck(well=True)

    @pytest.fixture
    def failing(self):
        return NaiveCheck(well=False)
"""

EXPORTER = """
class NaiveExporter:
    media_type = "text"

    def encode(self, families):
        lines = []
        for family in families:
            lines.append(f"# HELP {family.name} {family.help}")
            for key, cell in family.items():
                labels = ",".join(f'{name}="{value}"' for name, value in zip(family.label_names, key))
                lines.append(f"{family.name}{{{labels}}} {getattr(cell, 'value', 0)}")
                if len(lines) % 1000 == 0:
                    yield b""
        yield "\\n".join(lines).encode()


class TestExporter(MetricExporterSuite):
    @pytest.fixture
    def exporter(self):
        return NaiveExporter()
"""


HASHER = """
import hashlib
import time


class NaiveHasher:
    scheme = "Naive"

    async def hash(self, password):
        time.sleep(0.01)
        return "$naive$1$" + hashlib.md5(password.encode()[:72]).hexdigest()

    async def verify(self, password, hashed):
        return hashed.startswith((await self.hash(password))[:12]) if hashed else False

    def needs_rehash(self, hashed):
        return False


class TestHasher(PasswordHasherSuite):
    @pytest.fixture
    def hasher(self):
        return NaiveHasher()

    @pytest.fixture
    def excessive(self):
        return ["$naive$1000000$x"]
"""

FORGETFUL = """
class TestForgetful(CipherBackendSuite):
    pass
"""

NAIVE = (XOR, CARELESS_AEAD, FORMAT, BYTE_OFFSETS, SOURCE, RESOLVER, CHECK, EXPORTER, HASHER, FORGETFUL)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What pytest wrote about all of them, from one run in a process of its own."""
    directory = tmp_path_factory.mktemp("naive")
    (directory / "pytest.ini").write_text(SETTINGS)
    (directory / "test_naive.py").write_text(PRELUDE + "".join(NAIVE))
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=100).stdout


@pytest.fixture
def outcome(report):
    """Give the names of the tests of a class that ended in one way, without parameters."""

    def outcome(words, cls):
        return set(re.findall(rf"^(?:{words}) test_naive\.py::{cls}::(\w+)", report, re.MULTILINE))

    return outcome


@pytest.fixture
def failed(outcome):
    """Give the tests of a class that failed."""
    return lambda cls: outcome("FAILED|ERROR", cls)


@pytest.fixture
def passed(outcome):
    """Give the tests of a class that passed."""
    return lambda cls: outcome("PASSED", cls)


def test_a_xor_is_no_cipher(failed, passed):
    """It gives back what it took, and that is all: no tampering is seen, nothing is bound."""
    assert failed("TestXor") == {
        "test_every_changed_bit_is_detected",
        "test_every_changed_length_is_detected",
        "test_it_opens_only_under_the_same_key",
        "test_it_opens_only_with_the_same_nonce",
        "test_it_opens_only_with_the_same_associated_data",
        "test_associated_data_and_value_are_told_apart",
        "test_every_nonce_and_key_gives_another_text",
        "test_key_and_nonce_of_a_wrong_length_are_refused",
    }
    assert "test_what_it_seals_it_opens" in passed("TestXor")


def test_a_cipher_that_ignores_nonce_and_associated_data_is_found(failed, passed):
    """Sound mathematics, careless use: the same text for the same value, movable, and a key in the error."""
    assert failed("TestCareless") >= {
        "test_it_opens_only_with_the_same_nonce",
        "test_it_opens_only_with_the_same_associated_data",
        "test_every_nonce_and_key_gives_another_text",
        "test_every_changed_bit_is_detected",
    }
    assert {"test_what_it_seals_it_opens", "test_it_hides_what_it_seals"} <= passed("TestCareless")


def test_a_naive_format_is_found(failed, passed):
    """The last of two keys wins, nothing has a place, text is not quoted, a list is a document, errors show values."""
    assert failed("TestFormat") == {
        "test_a_key_that_stands_twice_is_refused",
        "test_it_knows_the_place_of_every_value",
        "test_a_span_holds_the_value_s_text_and_no_more",
        "test_any_text_can_stand_in_the_place_of_another",
        "test_what_is_no_document_is_refused",
        "test_a_damaged_document_breaks_nothing_and_tells_no_secret",
    }
    assert "test_what_it_writes_it_reads" in passed("TestFormat")


def test_places_in_bytes_instead_of_characters_are_found(failed, passed):
    """Right for ASCII, wrong after the first umlaut: a splice would tear the file apart."""
    assert failed("TestByteOffsets") >= {
        "test_it_knows_the_place_of_every_value",
        "test_a_span_holds_the_value_s_text_and_no_more",
    }
    assert "test_a_key_that_stands_twice_is_refused" in passed("TestByteOffsets")


def test_a_naive_source_is_found(failed, passed):
    """It raises on bad text, changes without a change, knows no origins and gives what is no plain value."""
    assert failed("TestSource") == {
        "test_its_values_are_plain",
        "test_it_knows_where_every_value_is_from",
        "test_loading_again_gives_the_same",
        "test_what_cannot_be_read_is_a_problem_with_a_place",
    }


def test_a_naive_resolver_is_found(failed, passed):
    """A strange scheme, a secret that is not called one, and a `KeyError` for what it does not know."""
    assert failed("TestResolver") == {
        "test_it_has_the_shape_of_its_contract",
        "test_it_gives_the_value",
        "test_nonsense_is_a_value_error",
        "test_a_damaged_reference_tells_no_secret",
    }


def test_a_naive_health_check_is_found(failed, passed):
    """It warns when asked again, observes no numbers, and complains in two lines."""
    assert failed("TestCheck") == {
        "test_it_can_be_asked_again",
        "test_it_can_be_cancelled_and_asked_again",
        "test_what_it_observes_are_numbers",
        "test_a_failure_says_what_is_wrong",
    }


def test_a_naive_exporter_is_found(failed, passed):
    """No escapes, everything in one piece, histograms without values, any kind taken for a gauge."""
    assert failed("TestExporter") == {
        "test_it_has_the_shape_of_its_contract",
        "test_a_label_value_cannot_forge_a_label",
        "test_a_label_value_cannot_forge_a_series",
        "test_a_help_text_cannot_forge_a_series",
        "test_an_unknown_kind_is_left_out",
        "test_series_may_be_born_and_removed_during_a_scrape",
    }


def test_a_naive_password_hasher_is_found(failed, passed):
    """No salt, the loop blocked, the end of a password cut off, most of a hash ignored, nonsense taken for a wrong password."""
    assert failed("TestHasher") == {
        "test_it_has_the_shape_of_its_contract",
        "test_a_hash_is_a_phc_string_of_its_scheme",
        "test_the_whole_password_counts",
        "test_every_hash_has_a_salt_of_its_own",
        "test_a_damaged_hash_never_fits",
        "test_what_is_no_hash_is_a_value_error",
        "test_what_asks_for_too_much_is_refused_before_any_work",
        "test_the_event_loop_goes_on_meanwhile",
    }
    assert "test_it_serves_many_at_once" in passed("TestHasher")


def test_a_suite_without_its_fixture_says_which_to_override(passed, failed, report):
    """The first thing that a plugin's author sees is what to do."""
    assert failed("TestForgetful")
    assert not passed("TestForgetful")
    assert "override the fixture cipher: it gives the object that the suite looks at" in report


def test_failed_asserts_are_explained(report):
    """The asserts of the suites show their values, as those of a test module do."""
    assert "where False = <built-in function isfinite>(nan)" in report


def test_the_suites_run_where_pytest_asyncio_is_in_auto_mode(inner):
    """It takes all async tests there, so that trio is skipped, with the reason."""
    source = """
from trivet_plugins.security.ciphers.aes_gcm import AesGcm


class TestAesGcm(CipherBackendSuite):
    @pytest.fixture
    async def cipher(self):
        return AesGcm()
"""
    result = inner(PRELUDE + source, "--asyncio-mode=auto")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed", "skipped"}
    assert outcomes["passed"] == outcomes["skipped"]
    result.stdout.fnmatch_lines(["SKIPPED*set asyncio_mode = strict*"])
