"""``trivet audit``: what an operator and an auditor type, and what they read."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner
from tests.plugins.security.audit.conftest import Log, entry

from trivet import AuditError
from trivet_plugins.cli.program import program
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.seed import Seed


@pytest.fixture
def trivet(tmp_path, monkeypatch):
    """Run the command line in an empty directory; give its output and exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        result = CliRunner().invoke(program, [str(word) for word in words])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return run


def refused(trivet, *words):
    with pytest.raises(AuditError) as caught:
        result = CliRunner().invoke(program, [str(word) for word in words])
        raise result.exception
    return str(caught.value)


@pytest.fixture
def filled(trivet, tmp_path):
    """A log made on the command line, with records of several kinds."""
    trivet("audit", "init", "log", "--name", "orders", "--seed-file", "seed")
    log = Log(tmp_path / "log", Seed.read(tmp_path / "seed"))
    journal = log.journal()
    journal.commit(
        [
            entry(0, target="config database.password"),
            entry(
                3600, op="verify_password", target="login", outcome="failed", reason="mismatch", actor="http:10.0.0.9"
            ),
            entry(7200, target="config mail.password"),
            entry(10_800, op="rotate", target="keys", actor="user:alice"),
        ]
    )
    journal.checkpoint(forced=True)
    journal.close()
    return log


def test_init_says_what_to_do_next_and_shows_no_secret(trivet, tmp_path):
    output = trivet("audit", "init", "log", "--name", "orders")
    seed = (tmp_path / "orders.audit-seed").read_text()
    assert "hand orders.audit-seed to the auditor and remove it here" in output
    assert str(LogDirectory(tmp_path / "log").public()) in output
    assert f'[plugins.audit] path = "{tmp_path / "log"}"' in output
    assert seed.split()[-1] not in output
    assert (tmp_path / "orders.audit-seed").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700


def test_init_overwrites_nothing(trivet, tmp_path):
    trivet("audit", "init", "log", "--name", "orders", "--seed-file", "seed")
    assert "exists" in trivet("audit", "init", "other", "--name", "orders", "--seed-file", "seed", code=2)
    assert not (tmp_path / "other").exists()
    assert "not empty" in refused(trivet, "audit", "init", "log", "--name", "orders", "--seed-file", "seed2")
    assert "beginning with a letter" in trivet("audit", "init", "x", "--name", "o/o", code=2)


def test_show_prints_a_line_per_record(trivet, filled):
    lines = trivet("audit", "show", "log").splitlines()
    assert len(lines) == 4
    assert (
        lines[1].split(None, 2)[2] == "failed verify_password  login (mismatch) key 9f86d081884c7d65 by http:10.0.0.9"
    )


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--op", "open"], [0, 2]),
        (["--outcome", "failed"], [1]),
        (["--target", "password"], [0, 2]),
        (["--actor", "alice"], [3]),
        (["--since", "2025-11-24T17:30"], [2, 3]),
        (["--until", "2025-11-24T18:30:00+01:00"], [0, 1]),
        (["--last", "2"], [2, 3]),
        (["--since", "15m"], []),
        (["--op", "open", "--last", "1"], [2]),
    ],
    ids=str,
)
def test_show_filters(trivet, filled, options, found):
    output = trivet("audit", "show", "log", "--json", *options)
    assert [json.loads(line)["seq"] for line in output.splitlines()] == found


@pytest.mark.parametrize("text", ["soon", "9x", "2025-13-01", "m"])
def test_show_says_how_a_time_looks(trivet, filled, text):
    assert "like 15m or 7d" in trivet("audit", "show", "log", "--since", text, code=2)


def test_show_lets_no_record_speak_to_the_terminal(trivet, filled):
    journal = filled.journal()
    journal.commit([entry(target="\x1b[2J\x07 gone")])
    journal.close()
    output = trivet("audit", "show", "log", "--last", "1")
    assert "\x1b" not in output
    assert "�[2J� gone" in output


def test_verify_says_what_was_checked_and_what_was_not(trivet, filled):
    with_seed = trivet("audit", "verify", "log", "--seed-file", "seed")
    assert with_seed.startswith("log: as it was written: 4 records in 1 file, 1 signed checkpoint\n")
    assert "each record was checked with the seed" in with_seed
    assert "the end was compared with the state" in with_seed
    assert "put back to an earlier day" in with_seed
    journal = filled.journal()
    journal.commit([entry()])
    journal.close()
    assert "not checked: the last 1 records" in trivet("audit", "verify", "log")


def test_verify_names_the_first_bad_record_and_what_to_do(trivet, filled):
    lines = filled.lines()
    filled.segments[0].write_bytes(b"".join([lines[0], lines[1].replace(b'"failed"', b'"ok"'), *lines[2:]]))
    output = trivet("audit", "verify", "log", "--seed-file", "seed", code=65)
    first, verdict, remedy = output.splitlines()
    what = "its tag does not fit: it was changed, or put in another's place, after it was written"
    assert first == f"log/0000000000000000.jsonl:2: error: record 1: {what}"
    assert verdict == "NOT as it was written; records 0 to 0 are as they were written"
    assert remedy.startswith("what to do: keep a copy of the directory as evidence")
    row = json.loads(trivet("audit", "verify", "log", "--seed-file", "seed", "--json", code=65))
    assert (row["verdict"], row["records"], row["finding"]["seq"], row["finding"]["line"]) == ("tampered", 1, 1, 2)


def test_verify_works_on_a_copy_with_the_public_key_only(trivet, filled, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("checkpoints", filled.segments[0].name):
        shutil.copy(filled.path / name, copy)
    shutil.copy(filled.path / "public.key", tmp_path / "orders.pub")
    row = json.loads(trivet("audit", "verify", "copy", "--public-key", "orders.pub", "--json"))
    assert (row["verdict"], row["covered"], row["sealed"], row["ended"]) == ("intact", 4, False, False)
    assert "give the log's public key" in refused(trivet, "audit", "verify", "copy")


def test_verify_says_when_nothing_can_tell(trivet, tmp_path):
    trivet("audit", "init", "log", "--name", "orders", "--seed-file", "seed")
    log = Log(tmp_path / "log", Seed.read(tmp_path / "seed"))
    log.fill(2, close=False)
    assert "NOT PROVEN" in trivet("audit", "verify", "log", code=69)
    assert json.loads(trivet("audit", "verify", "log", "--json", code=69))["verdict"] == "unproven"


def test_verify_takes_checkpoints_from_elsewhere(trivet, filled, tmp_path):
    shutil.copytree(filled.path, tmp_path / "yesterday")
    filled.fill(2)
    (tmp_path / "kept").write_text(trivet("audit", "checkpoint", "log"))
    trivet("audit", "verify", "log", "--checkpoint", "kept")
    output = trivet("audit", "verify", "yesterday", "--checkpoint", "kept", code=65)
    assert "record 4: the end was cut off: the log has 4 records, and 6 when a checkpoint was signed" in output


def test_verify_refuses_the_seed_of_another_log(trivet, filled):
    trivet("audit", "init", "other", "--name", "billing", "--seed-file", "seed2")
    assert "the seed of another log, billing/audit/" in refused(
        trivet, "audit", "verify", "log", "--seed-file", "seed2"
    )


def test_verify_wants_something_to_verify(trivet):
    assert "name the directory of a log, or a --proof" in trivet("audit", "verify", code=2)


def test_checkpoint_prints_and_signs(trivet, filled):
    public = LogDirectory(filled.path).public()
    assert public.open(trivet("audit", "checkpoint", "log")).size == 4
    journal = filled.journal()
    journal.commit([entry()])
    journal.close()
    assert public.open(trivet("audit", "checkpoint", "log", "--sign")).size == 5
    row = json.loads(trivet("audit", "checkpoint", "log", "--json"))
    assert (row["size"], row["origin"]) == (5, public.name)


def test_a_log_without_checkpoints_says_how_to_get_one(trivet):
    trivet("audit", "init", "log", "--name", "orders")
    assert "trivet audit checkpoint --sign log" in refused(trivet, "audit", "checkpoint", "log")


@pytest.mark.parametrize("seq", [0, 3])
def test_a_record_is_proven_to_somebody_without_the_log(trivet, filled, tmp_path, seq):
    (tmp_path / "proof").write_text(trivet("audit", "prove", "log", seq))
    key = filled.path / "public.key"
    assert trivet("audit", "verify", "--proof", "proof", "--public-key", key) == (
        f"proof: proven: this is record {seq} of the 4 that the checkpoint covers\n"
    )
    proof = json.loads((tmp_path / "proof").read_text())
    assert json.loads(proof["record"])["seq"] == seq
    for name, value in (
        ("index", seq ^ 1),
        ("record", proof["record"].replace('"ok"', '"no"').replace('"failed"', '"ok"')),
    ):
        (tmp_path / "false").write_text(json.dumps({**proof, name: value}))
        output = trivet("audit", "verify", "--proof", "false", "--public-key", key, "--json", code=65)
        assert json.loads(output)["verdict"] == "refused"


def test_a_log_is_proven_to_have_only_grown(trivet, filled, tmp_path):
    filled.fill(3)
    (tmp_path / "proof").write_text(trivet("audit", "prove", "log", "--from", 4))
    key = filled.path / "public.key"
    output = trivet("audit", "verify", "--proof", "proof", "--public-key", key)
    assert "the 4 records of the earlier checkpoint are the first of the 7 of the later one" in output
    proof = json.loads((tmp_path / "proof").read_text())
    (tmp_path / "false").write_text(json.dumps({**proof, "hashes": proof["hashes"][:-1]}))
    assert "the hashes do not lead" in trivet("audit", "verify", "--proof", "false", "--public-key", key, code=65)
    assert "there is no checkpoint of 5 records" in refused(trivet, "audit", "prove", "log", "--from", 5)


def test_prove_says_what_it_cannot_prove(trivet, filled):
    assert "not covered by the last checkpoint" in refused(trivet, "audit", "prove", "log", 4)
    assert "name a record" in trivet("audit", "prove", "log", code=2)
    filled.segments[0].write_bytes(b"".join(filled.lines()[:2]))
    assert "2 of the 4 records of the last checkpoint are missing" in refused(trivet, "audit", "prove", "log", 0)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"hashes": [1]}', '{"hashes": "x"}', "[" * 60_000, "x" * 70_000, '{"hashes": []}']
)
def test_nonsense_is_no_proof(trivet, filled, tmp_path, text):
    (tmp_path / "proof").write_text(text)
    output = trivet("audit", "verify", "--proof", "proof", "--public-key", filled.path / "public.key", code=65)
    assert "proof: error:" in output
