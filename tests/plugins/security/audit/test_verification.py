"""Whatever is done to a log is found: its first record that is not as it was written is named. What cannot be found is said."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugins.security.audit.conftest import entry

from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.seed import Seed

RECORDS = 10_000
MANY = 10


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """10,000 records with a checkpoint over all of them, and the bytes of its one file; tests put them back."""
    from tests.plugins.security.audit.conftest import Log

    path = tmp_path_factory.mktemp("large") / "log"
    log = Log(path, LogDirectory(path).create("orders")).fill([2000] * 5)
    return log, log.segments[0].read_bytes()


@pytest.fixture
def tampered(large):
    """Write other lines into the large log and verify it with the seed and without; give what was found first."""
    log, good = large

    def tamper(lines, **options):
        log.segments[0].write_bytes(b"".join(lines))
        try:
            return log.verify(**options).finding
        finally:
            log.segments[0].write_bytes(good)

    return tamper


def places(count, seed=1):
    """Some places among the records, the first and the last always."""
    chosen = random.Random(seed).sample(range(1, RECORDS - 1), count)
    return sorted({0, RECORDS - 1, *chosen})


def test_an_untouched_log_is_whole(large):
    log, _ = large
    verified = log.verify()
    assert (verified.finding, verified.records, verified.covered, verified.ended) == (None, RECORDS, RECORDS, True)
    assert log.verify(seed=False).finding is None
    assert log.verify(public=False).finding is None


def test_every_flipped_bit_of_ten_thousand_records_is_found(large, tampered):
    """Sampled over the file; at the record that it is in. The next test flips each bit of a small log."""
    _, good = large
    starts = list(itertools.accumulate((len(line) for line in good.splitlines(keepends=True)), initial=0))
    for offset in random.Random(2).sample(range(len(good)), MANY):
        flipped = bytearray(good)
        flipped[offset] ^= 1 << random.Random(offset).randrange(8)
        seq = sum(start <= offset for start in starts) - 1
        found = tampered([bytes(flipped)])
        assert (found.seq, found.line) in {(seq, seq + 1), (seq + 1, seq + 2)}, offset
        assert tampered([bytes(flipped)], seed=False) is not None, offset


@pytest.mark.timeout(120)
def test_every_single_bit_of_a_small_log_is_guarded(make_log):
    """Each bit of the records and of the checkpoint; with the public key alone, too, for a part of them."""
    log = make_log().fill(2)
    for name in (log.segments[0].name, "checkpoints"):
        path = log.path / name
        good = path.read_bytes()
        for bit in range(len(good) * 8):
            flipped = bytearray(good)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            # Records are guarded by the seed as by the public key, checkpoints by the public key.
            assert log.verify(public=name == "checkpoints").finding is not None, (name, bit)
            if bit % 7 == 0:
                assert log.verify(seed=False).finding is not None, (name, bit)
        path.write_bytes(good)
    assert log.verify().finding is None


def test_an_edited_record_is_found(large, tampered):
    _, good = large
    lines = good.splitlines(keepends=True)
    for place in places(2):
        edited = lines[place].replace(b'"ok"', b'"no"')
        found = tampered([*lines[:place], edited, *lines[place + 1 :]])
        assert (found.seq, found.line) == (place, place + 1)
        assert "changed" in found.what
        assert tampered([*lines[:place], edited, *lines[place + 1 :]], seed=False) is not None


def test_a_record_that_was_taken_out_is_found(large, tampered):
    _, good = large
    lines = good.splitlines(keepends=True)
    for place in places(2):
        found = tampered([*lines[:place], *lines[place + 1 :]])
        assert found.seq == place
        assert "missing" in found.what or "cut off" in found.what


def test_records_that_were_taken_out_and_numbered_anew_are_found(large, tampered):
    """Numbers are easily made to fit; tags and roots are not."""
    _, good = large
    lines = good.splitlines(keepends=True)
    place = 9_000
    rest = [
        line.replace(b'"seq":%d,' % seq, b'"seq":%d,' % (seq - 1))
        for seq, line in enumerate(lines[place + 1 :], place + 1)
    ]
    found = tampered([*lines[:place], *rest])
    assert found.seq == place
    assert tampered([*lines[:place], *rest], seed=False) is not None


def test_a_doubled_record_is_found(large, tampered):
    _, good = large
    lines = good.splitlines(keepends=True)
    for place in places(2):
        found = tampered([*lines[: place + 1], *lines[place:]])
        assert (found.seq, found.line) == (place + 1, place + 2)


def test_swapped_records_are_found(large, tampered):
    _, good = large
    lines = good.splitlines(keepends=True)
    for place in places(2)[:-1]:
        found = tampered([*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]])
        assert (found.seq, found.line) == (place, place + 1)


def test_every_cut_of_the_end_is_found(large, tampered):
    """Between records and inside one; also with the public key alone, by the checkpoint."""
    _, good = large
    lines = good.splitlines(keepends=True)
    for left in (0, 1, RECORDS - 1):
        for options in ({}, {"seed": False}, {"public": False}):
            found = tampered(lines[:left], **options)
            assert found.seq == left, options
            assert "cut off" in found.what
    for cut in (1, len(lines[-1]) - 1):
        assert tampered([good[:-cut]]).seq == RECORDS - 1


def test_a_missing_file_of_records_is_found(make_log):
    log = make_log().fill([5] * 20, segment_bytes=5000)
    firsts = [int(path.stem) for path in log.segments]
    for number, path in enumerate(log.segments):
        hidden = path.rename(path.with_suffix(".hidden"))
        found = log.verify().finding
        assert found.seq == firsts[number]
        hidden.rename(path)
    assert log.verify().finding is None


def test_a_cut_after_the_last_checkpoint_shows_in_the_state(make_log):
    """The state has the key of the next record; who rolls it back needs a key that is gone."""
    log = make_log().fill(5)
    log.fill(3, close=False)
    lines = log.lines()
    log.segments[0].write_bytes(b"".join(lines[:6]))
    found = log.verify().finding
    assert (found.seq, found.line) == (6, 6)
    assert "the service wrote 8" in found.what
    assert log.verify(seed=False).finding is not None


def test_a_made_up_state_is_found(make_log):
    """Cut, and a state written to fit: its key is not the one of that place."""
    import attrs

    from trivet_plugins.security.audit.state import newest

    log = make_log().fill(5)
    log.fill(3, close=False)
    log.segments[0].write_bytes(b"".join(log.lines()[:6]))
    state = newest((log.path / "state").read_bytes())
    (log.path / "state").write_bytes(
        attrs.evolve(state, seq=6, peaks=(*state.peaks[:1], bytes(32)), generation=99).slot() * 2
    )
    found = log.verify().finding
    assert (found.file, "not the state of this log" in found.what) == ("state", True)


def test_without_state_a_cut_after_the_last_checkpoint_is_not_found_and_that_is_said(make_log):
    """A copy has no state. `Verified.ended` says that the end was not compared."""
    log = make_log().fill(5)
    log.fill(3, close=False)
    log.segments[0].write_bytes(b"".join(log.lines()[:6]))
    (log.path / "state").unlink()
    verified = log.verify()
    assert (verified.finding, verified.records, verified.ended) == (None, 6, False)


def test_a_directory_that_was_put_back_is_found_with_a_checkpoint_from_elsewhere(make_log, tmp_path):
    """Everything as it was yesterday is consistent in itself: only a witness tells."""
    log = make_log().fill(5)
    yesterday = log.copy(tmp_path / "yesterday")
    log.fill(3)
    note = list(LogDirectory(log.path).notes.read(10**6))[-1].text
    assert log.verify(witnessed=[note]).finding is None
    assert yesterday.verify().finding is None
    found = yesterday.verify(witnessed=[note]).finding
    assert (found.seq, "cut off" in found.what) == (5, True)


def test_another_history_is_found_with_a_checkpoint_from_elsewhere(make_log, tmp_path):
    """Put back and gone on from there: as long as the real one, with its own keys, and other records."""
    log = make_log().fill(5)
    fork = log.copy(tmp_path / "fork")
    log.fill(3)
    journal = fork.journal()
    journal.commit([entry(number, target="config harmless") for number in range(3)])
    journal.checkpoint(forced=True)
    journal.close()
    assert fork.verify().finding is None
    note = list(LogDirectory(log.path).notes.read(10**6))[-1].text
    assert "not those that were signed" in fork.verify(witnessed=[note]).finding.what


def test_the_public_key_alone_names_the_records_between_two_checkpoints(make_log):
    log = make_log()
    for _ in range(3):
        log.fill(10)
    lines = log.lines()
    lines[15] = lines[15].replace(b'"ok"', b'"no"')
    log.segments[0].write_bytes(b"".join(lines))
    verified = log.verify(seed=False)
    assert (verified.records, verified.finding.seq) == (10, 10)
    assert "the records 10 to 19 are not those that were signed" in verified.finding.what


def test_a_seed_of_another_log_fits_no_record(make_log):
    log, other = make_log(), make_log("other")
    log.fill(2)
    from tests.plugins.security.audit.conftest import Log

    assert Log(log.path, Seed("orders/audit/0", other.seed.key)).verify().finding.seq == 0


def test_checkpoints_in_another_order_or_of_another_log_are_found(make_log):
    log, other = make_log().fill(2), make_log("other").fill(2)
    log.fill(2)
    path = log.path / "checkpoints"
    good = path.read_text()
    first, second = good.split("\n\norders")[0] + "\n\n", "orders" + good.split("\n\norders")[1]
    path.write_text(second + first)
    assert "stands behind one of 4" in log.verify().finding.what
    path.write_text(good + (other.path / "checkpoints").read_text())
    assert "another log" in log.verify().finding.what


def test_a_very_long_line_or_note_is_not_read_into_memory(make_log):
    log = make_log().fill(2)
    size = log.segments[0].stat().st_size
    with log.segments[0].open("r+b") as file:
        file.truncate(5 * 2**30)  # sparse: five gigabytes of zeros that take no room
    assert "longer than a record" in log.verify().finding.what
    with log.segments[0].open("r+b") as file:
        file.truncate(size)
    with (log.path / "checkpoints").open("r+b") as file:
        file.truncate(5 * 2**30)
    assert log.verify().finding is not None


def test_a_log_can_be_verified_while_it_is_written(make_log):
    """What is looked at is one moment."""
    import threading

    log, stop = make_log(), threading.Event()
    journal = log.journal(checkpoint_records=5)

    def write():
        while not stop.is_set():
            journal.commit([entry(), entry()])
            journal.checkpoint()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [log.verify() for _ in range(5)]
        while seen[-1].records < 50:
            seen.append(log.verify())
    finally:
        stop.set()
        writer.join()
        journal.close()
    assert [one.finding for one in seen if one.finding] == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_other_list_of_the_same_lines_passes(make_log, data, tmp_path_factory):
    """Any selection in any order but the whole in its own."""
    from tests.plugins.security.audit.conftest import Log

    path = tmp_path_factory.mktemp("any") / "log"
    log = Log(path, LogDirectory(path).create("orders")).fill(6)
    lines = log.lines()
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=8))
    log.segments[0].write_bytes(b"".join(chosen))
    for options in ({}, {"seed": False}, {"public": False}):
        assert (log.verify(**options).finding is None) == (chosen == lines)


def test_a_finding_says_where_what_and_what_to_do(make_log):
    log = make_log().fill(3)
    lines = log.lines()
    log.segments[0].write_bytes(b"".join([lines[0], lines[2]]))
    text = str(log.verify().finding)
    assert text.startswith("0000000000000000.jsonl:2: record 1: record 1 is missing: taken out, or")
    assert text.endswith("and trust no record from here on")


def test_records_hold_no_more_than_the_rules_say(make_log):
    log = make_log().fill(1)
    assert json.loads(log.lines()[0]).keys() == {
        *("actor", "kernel", "key_id", "node", "op", "outcome", "reason", "seq", "tag", "target", "ts")
    }
