from __future__ import annotations

import json
import math

import pytest

from trivet.health.check import CheckPlan, Status, Verdict
from trivet.health.report import Report
from trivet.health.result import Result


def result(name, status=Status.PASS, output="", **observed):
    verdict = Verdict(status, output, observed)
    return Result(
        name=name, plan=CheckPlan(), status=status, verdict=verdict, at=1_750_000_000.25, age=1.5, seconds=0.1
    )


GOOD = Report(group="ready", results=(result("database"),))
BAD = Report(
    group="ready",
    results=(
        result("database", Status.FAIL, "refused"),
        result("disk", Status.WARN, "low", free_bytes=12.0, free_share=math.nan),
        Result(name="queue", plan=CheckPlan()),
    ),
)


def test_health_json_has_the_form_of_the_draft():
    """draft-inadarei-api-health-check-06: status, serviceId, checks as lists under component:measurement."""
    assert json.loads(json.dumps(BAD.to_json(service="orders"), allow_nan=False)) == {
        "status": "fail",
        "serviceId": "orders",
        "rootCauses": ["database", "disk", "queue"],
        "checks": {
            "database": [
                {
                    "componentType": "component",
                    "status": "fail",
                    "output": "refused",
                    "time": "2025-06-15T15:06:40.250Z",
                    "age": 1.5,
                }
            ],
            "disk:free_bytes": [
                {
                    "componentType": "component",
                    "observedValue": 12.0,
                    "observedUnit": "bytes",
                    "status": "warn",
                    "output": "low",
                    "time": "2025-06-15T15:06:40.250Z",
                    "age": 1.5,
                }
            ],
            "disk:free_share": [
                {
                    "componentType": "component",
                    "observedValue": "nan",
                    "observedUnit": "1",
                    "status": "warn",
                    "output": "low",
                    "time": "2025-06-15T15:06:40.250Z",
                    "age": 1.5,
                }
            ],
            "queue": [{"componentType": "component", "status": "fail", "output": "has not run yet"}],
        },
    }


def test_health_json_without_details_says_only_how_it_is():
    assert BAD.to_json(details=False) == {"status": "fail"}
    gated = Report(group="ready", results=(), gate="stopping")
    assert gated.to_json(details=False) == {"status": "fail", "output": "stopping"}


def test_a_passing_check_has_no_output():
    (entry,) = GOOD.to_json()["checks"]["database"]
    assert "output" not in entry


@pytest.mark.parametrize(
    ("report", "options", "text"),
    [
        (GOOD, {}, "ok\n"),
        (GOOD, {"verbose": True}, "[+]database ok\nreadyz check passed\n"),
        (
            BAD,
            {},
            (
                "[-]database failed: reason withheld\n[+]disk ok, with a warning: reason withheld\n"
                "[-]queue failed: reason withheld\nreadyz check failed\n"
            ),
        ),
        (
            BAD,
            {"details": True},
            (
                "[-]database failed: refused\n[+]disk ok, with a warning: low\n[-]queue failed: has not run yet\n"
                "readyz check failed\n"
            ),
        ),
        (
            Report(group="ready", results=(), gate="starting"),
            {},
            "[-]kernel failed: starting\nreadyz check failed\n",
        ),
        (Report(group="live", results=()), {"verbose": True}, "livez check passed\n"),
        (Report(group=None, results=()), {"verbose": True}, "health check passed\n"),
    ],
)
def test_the_text_is_that_of_kubernetes(report, options, text):
    assert report.to_text(**options) == text


CAUSED = Report(
    group="ready",
    results=(
        result("database", Status.FAIL, "refused"),
        Result(
            name="orders",
            plan=CheckPlan(depends_on={"database"}, tags={"storage"}),
            status=Status.FAIL,
            verdict=Verdict(Status.FAIL, "no rows"),
            causes=("database",),
            availability=0.25,
        ),
    ),
)


def test_what_is_to_blame_is_named():
    """One line says what to mend; what only follows from it says so."""
    assert CAUSED.root_causes == ("database",)
    assert "[-]orders failed: no rows (caused by database)" in CAUSED.to_text(details=True)
    assert "database" not in CAUSED.to_text().splitlines()[1].removeprefix("[-]orders")
    entry = CAUSED.to_json()["checks"]["orders"][0]
    assert (entry["causes"], entry["dependsOn"], entry["availability"]) == (["database"], ["database"], 0.25)


def test_plain_json_has_a_row_per_check():
    """For programs that know trivet: everything about each check under a fixed name."""
    plain = json.loads(json.dumps(CAUSED.to_plain_json(service="orders"), allow_nan=False))
    assert (plain["service"], plain["group"], plain["status"], plain["gate"]) == ("orders", "ready", "fail", None)
    assert plain["root_causes"] == ["database"]
    assert plain["checks"][1]["tags"] == ["storage"]
    assert plain["checks"][1]["causes"] == ["database"]
    assert plain["checks"][0]["age_seconds"] == 1.5


def test_checks_can_be_left_out_and_chosen_by_tag():
    """What is left out does not count."""
    assert [one.name for one in CAUSED.without(["database"]).results] == ["orders"]
    assert CAUSED.without(["database", "orders"]).status is Status.PASS
    assert [one.name for one in CAUSED.tagged("storage").results] == ["orders"]
