from __future__ import annotations

import contextlib
import math
import os
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.metrics.history import STALE, is_stale
from trivet_plugins.monitoring.history.payload import decode, encode

NUMBERS = st.one_of(st.floats(), st.sampled_from([STALE, 0.0, -0.0, 1.0]), st.integers(0, 2**53).map(float))


@given(st.lists(NUMBERS, min_size=1, max_size=400).map(lambda values: array("d", values)))
def test_what_is_packed_unpacks_bit_by_bit(values):
    """NaN of every kind, both zeros and infinities included."""
    assert decode(encode(values), len(values)).tobytes() == values.tobytes()


@given(NUMBERS, st.integers(1, 400))
def test_a_series_that_stands_still_takes_eight_bytes(value, count):
    assert len(encode(array("d", [value]) * count)) == 8


@given(st.binary(max_size=200), st.integers(1, 400))
def test_damage_is_told(payload, count):
    """Whatever the bytes are: as many values as asked for, or an error, and never more memory than those take."""
    with contextlib.suppress(ValueError):
        assert len(decode(payload, count)) == count


def test_no_payload_unpacks_to_more_than_it_should():
    values = array("d", os.urandom(8 * 100))
    with pytest.raises(ValueError, match="not 99 values"):
        decode(encode(values), 99)
    with pytest.raises(ValueError, match="not 101 values"):
        decode(encode(values), 101)
    with pytest.raises(ValueError, match="not 100 values"):
        decode(encode(values)[:-2], 100)


def test_the_stale_marker_is_no_other_nan():
    """As Prometheus has it: math.nan is a value."""
    assert math.isnan(STALE)
    assert is_stale(STALE)
    assert not is_stale(math.nan)
    assert not is_stale(0.0)
