"""Random questions about random series, answered as Debian's promtool answers them."""

from __future__ import annotations

import random

import pytest
from tests.plugins.alerts.promql.expressions import Questions, series
from tests.plugins.alerts.promql.oracle import answers
from tests.plugins.alerts.promql.script import close

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.query import Query, RoundCache
from trivet_plugins.alerts.promql.result import Scalar


def storage_of(found):
    storage = MemoryStorage()
    for name, values in found.items():
        labels = parse_series(name)
        for number, value in enumerate(parse_values(values)):
            if value is not None:
                storage.add(labels, number * 10_000, value)
    return storage


def ours(text, storage, at, cache):
    """Return ``{labels: value}``; None where there is no answer."""
    try:
        value = Query.parse(text).instant(storage, at, cache=cache).value
    except EvaluationError:
        return None
    return {(): value.value} if isinstance(value, Scalar) else {one.labels: one.value for one in value.samples}


@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_that_of_promtool(seed, program, tmp_path):
    """Functions, aggregations, operators, matching, subqueries, stale series; errors are errors there too."""
    dice = random.Random(seed)
    found, questions = series(dice), Questions(dice)
    cases = sorted(((questions.any(), dice.randrange(58) * 10 + 3) for _ in range(100)), key=lambda case: case[1])
    storage, cache = storage_of(found), RoundCache()
    wrong = []
    for (text, seconds), theirs in zip(
        cases, answers(program("promtool", package="prometheus"), tmp_path, found, cases), strict=True
    ):
        mine = ours(text, storage, seconds * 1000, cache)
        if mine is None or isinstance(theirs, str):
            same = mine is None and isinstance(theirs, str)
        else:
            same = mine.keys() == theirs.keys() and all(
                close(theirs[labels], mine[labels], absolute=1e-9) for labels in mine
            )
        if not same:
            wrong.append(f"{text} at {seconds}s: {mine}, not {theirs}")
    assert wrong == []
