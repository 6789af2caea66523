"""What Debian's ``promtool test rules`` answers: asked with a wrong expectation, it says what it got."""

from __future__ import annotations

import json
import re
import subprocess

from trivet_plugins.alerts.promql.notation import parse_series

END = 900
_FOUND = re.compile(r'    expr: ("(?:[^"\\]|\\.)*"), time: \S+?, *\n?(.*?)(?=\n    expr: |\Z)', re.DOTALL)
_SAMPLE = re.compile(r'(\{(?:"(?:[^"\\]|\\.)*"|[^}"])*\}|[\w:]+(?:\{(?:"(?:[^"\\]|\\.)*"|[^}"])*\})?) (\S+?)(?:, |$)')


def answers(promtool, directory, series, cases):
    """Return for each ``(question, seconds)`` what promtool finds: ``{labels: value}``, or the text of its error."""
    # Samples are loaded up to the last question only.
    asked = [*cases, ("vector(1)", END)]
    questions = [
        {"expr": text, "eval_time": f"{seconds}s", "exp_samples": [{"labels": '{never="there"}', "value": 1}]}
        for text, seconds in asked
    ]
    test = {
        "interval": "10s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": questions,
    }
    (directory / "test.yml").write_text(json.dumps({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=directory, capture_output=True, text=True, check=False, timeout=60
    )
    found = [(json.loads(text), body) for text, body in _FOUND.findall(done.stdout + done.stderr)]
    assert [text for text, _ in found] == [text for text, _ in asked], done.stdout + done.stderr
    return [_answer(body) for _, body in found[:-1]]


def _answer(body):
    got = re.search(r"got: ?(.*)", body)
    if got is None:
        return body.strip()
    if got[1] == "nil":
        return {}
    return {parse_series(labels): float(value) for labels, value in _SAMPLE.findall(got[1])}
