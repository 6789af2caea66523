"""A moment of what ``make fuzz`` does for minutes: each decoder gives an answer or its refusal, whatever the bytes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DECODERS = runpy.run_path(str(Path(__file__).with_name("decoders.py")))["DECODERS"]


@st.composite
def spoiled(draw, seeds):
    """A seed with a few bytes changed, put in, cut out or doubled; or any bytes at all."""
    raw = bytearray(draw(st.sampled_from([*seeds, b""])))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(raw)))
        end = draw(st.integers(at, min(len(raw), at + 8)))
        raw[at:end] = draw(st.binary(max_size=8) | st.just(bytes(raw[at:end]) * 2))
    return bytes(raw)


@pytest.mark.parametrize("name", DECODERS)
def test_it_answers_or_refuses(name):
    """Nothing but its own refusals leaves it."""

    @settings(max_examples=60, deadline=None)
    @given(spoiled(DECODERS[name].seeds))
    def try_with(raw):
        DECODERS[name].try_with(raw)

    try_with()


@pytest.mark.parametrize("name", DECODERS)
def test_an_example_that_it_starts_from_is_a_good_one(name):
    """Fuzzing that starts at refusals does not get far."""
    DECODERS[name].read(DECODERS[name].seeds[0])
