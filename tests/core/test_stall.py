"""A plugin whose plain function blocks is named, and the watch itself never delays a start."""

from __future__ import annotations

import threading
import time

import pytest

from trivet.stall import StallWatch


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "trivet-stall-watch"]


def test_a_step_that_blocks_is_named_once_with_its_place():
    """The report comes while the step still blocks, and says where it hangs."""
    reports, told = [], threading.Event()

    def report(*what):
        reports.append(what)
        told.set()

    with StallWatch(0.05, report) as watch, watch.step("plugin slow (import)"):
        assert told.wait(10)
        time.sleep(0.2)
    [(step, seconds, stack)] = reports
    assert (step, seconds) == ("plugin slow (import)", 0.05)
    assert "told.wait(10)" in stack


def test_many_short_steps_are_no_stall():
    """What goes on is not blocked, however long it takes in all."""
    reports = []
    with StallWatch(0.2, lambda *what: reports.append(what)) as watch:
        for _ in range(50):
            with watch.step("short"):
                time.sleep(0.01)
    assert reports == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_leaving_does_not_wait_for_the_limit(depth):
    """Entered inside itself, as a start that composes does, one thread watches and ends at once."""
    watch = StallWatch(60, lambda *what: None)
    begun = time.monotonic()
    for _ in range(depth):
        watch.__enter__()
    assert len(watchers()) == 1
    for _ in range(depth):
        watch.__exit__()
    assert watchers() == []
    assert time.monotonic() - begun < 20
