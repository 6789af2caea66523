"""``traceparent`` and ``tracestate``: what W3C Trace Context, level 2, asks of who reads and who writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.tracing.context import TraceContext
from trivet.tracing.propagation import checked_state, extract, inject, parse_traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_a_request_brings_its_context():
    context = extract({"traceparent": GOOD, "tracestate": "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"})
    assert (context.trace_id, context.span_id, context.sampled) == (TRACE, SPAN, True)
    assert context.state == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"


@pytest.mark.parametrize("flags", ["00", "02", "fe"])
def test_only_the_first_flag_says_sampled(flags):
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}").sampled is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"0-{TRACE}-{SPAN}-01",
        f"{GOOD}\n",
        f"01-{TRACE}-{SPAN}-01more",
        f"01-{TRACE}-{SPAN}-01-{'x' * 10_000}",
    ],
)
def test_a_malformed_one_is_none(text):
    """The request then begins a trace of its own; nobody raises."""
    assert parse_traceparent(text) is None
    assert extract({"traceparent": text, "tracestate": "a=b"}) is None


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-01-something").trace_id == TRACE
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-01").sampled is True


@pytest.mark.parametrize(
    "text",
    [
        "a=1,a=2",
        "A=1",
        "a",
        "a=",
        "a=x,y",
        "a=\x00",
        ",".join(f"k{number}=v" for number in range(33)),
        f"a={'x' * 600}",
    ],
)
def test_a_malformed_state_is_left_out_and_the_parent_stays(text):
    assert checked_state(text) == ""
    assert extract({"traceparent": GOOD, "tracestate": text}).trace_id == TRACE


def test_empty_members_of_a_state_are_no_mistake():
    assert checked_state("a=1,,\t b@c/d*e-f_g=2 x ,") == "a=1,b@c/d*e-f_g=2 x"


contexts = st.builds(
    TraceContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.sampled_from(["", "a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"]),
)


@given(contexts)
def test_what_is_handed_on_is_read_back(context):
    assert extract(inject(context)) == context


@given(st.text(max_size=80), st.text(max_size=600))
def test_nothing_that_a_stranger_sends_raises(parent, state):
    extract({"traceparent": parent, "tracestate": state})
