"""`Template`: what labels and annotations become, and that nothing a rule file says reaches further than its data."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet_plugins.alerts.promql.errors import EvaluationError
from trivet_plugins.alerts.templates.errors import ExpansionError, TemplateError
from trivet_plugins.alerts.templates.expansion import MAX_OUTPUT
from trivet_plugins.alerts.templates.template import Template, TemplateData

UP = [((("__name__", "up"), ("instance", "b:1")), 1.0), ((("__name__", "up"), ("instance", "a:1")), 0.0)]


def answers(text):
    if text == "broken":
        raise EvaluationError("it has no answer")
    return UP if text == "up" else []


def expanded(source, *, value=0.125, labels=(("instance", "a.example.org:80"), ("job", "api"))):
    data = TemplateData(
        labels=labels,
        value=value,
        external_labels={"region": "eu"},
        external_url="https://prometheus.example.org/p",
        now=1_445_412_480.5,
        query=answers,
    )
    return Template(source).expand(data)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("nothing to do", "nothing to do"),
        ("{{ $value }} {{ .Value }}", "0.125 0.125"),
        ("{{$labels.job}}/{{ .Labels.job }}/{{ $.Labels.job }}", "api/api/api"),
        ("[{{ $labels.nowhere }}]", "[]"),
        ("{{ $externalLabels.region }} {{ $externalURL }}", "eu https://prometheus.example.org/p"),
        ("a {{- /* a comment */ -}} b", "ab"),
        ("a\n  {{- $labels.job -}}  \n b", "aapib"),
        ("{{ if gt $value 0.25 }}page{{ else if gt $value 0.1 }}ticket{{ else }}none{{ end }}", "ticket"),
        ("{{ if and (eq $labels.job `api`) (not $labels.nowhere) }}yes{{ end }}", "yes"),
        ("{{ or $labels.nowhere `else` }}", "else"),
        ("{{ with $labels.nowhere }}{{ . }}{{ else }}none{{ end }}", "none"),
        (
            '{{ range query "up" | sortByLabel "instance" }}[{{ .Labels.instance }}={{ .Value }}]{{ end }}',
            "[a:1=0][b:1=1]",
        ),
        ('{{ range query "none" }}x{{ else }}nothing{{ end }}', "nothing"),
        ('{{ range $i, $one := query "up" }}{{ if $i }}, {{ end }}{{ $one.Labels.instance }}{{ end }}', "b:1, a:1"),
        ('{{ range query "up" }}{{ if eq .Value 0.0 }}{{ break }}{{ end }}{{ .Value }}{{ end }}', "1"),
        ('{{ range query "up" }}{{ if eq .Value 1.0 }}{{ continue }}{{ end }}{{ .Value }}{{ end }}', "0"),
        ("{{ range $name, $one := $labels }}{{ $name }}={{ $one }};{{ end }}", "instance=a.example.org:80;job=api;"),
        ('{{ query "up" | first | label "instance" }} {{ query "up" | first | value }}', "b:1 1"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}", "32"),
        ('{{ define "one" }}<{{ . }}>{{ end }}{{ template "one" $value }}{{ tmpl "one" $labels.job }}', "<0.125><api>"),
        ("{{ (args 1 `b`).arg1 }}{{ (args 1).arg7 }}", "b<no value>"),
        ('{{ index $labels "job" }} {{ len $labels }} {{ slice $labels.job 1 }}', "api 2 pi"),
        (
            "{{ print 1 2 `a` 3 }}|{{ println 1 }}|{{ html `<a>` }}|{{ urlquery `a b&c` }}",
            "1 2a3|1\n|&lt;a&gt;|a+b%26c",
        ),
        ("{{ eq 1 2 1 }} {{ ne `a` `b` }} {{ le 1 1 }} {{ ge 1.0 2.0 }} {{ lt `a` `b` }}", "true true true false true"),
    ],
)
def test_templates_become_what_go_makes_of_them(source, text):
    assert expanded(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "{{ 1234567.0 | humanize }} {{ 0.00123 | humanize }} {{ -1500 | humanize }} {{ 0.0 | humanize }}",
            "1.235M 1.23m -1.5k 0",
        ),
        ("{{ 1048576 | humanize1024 }} {{ 0.5 | humanize1024 }}", "1Mi 0.5"),
        (
            "{{ 0.4 | humanizeDuration }} {{ 12.3456 | humanizeDuration }} {{ 3661 | humanizeDuration }}",
            "400ms 12.35s 1h 1m 1s",
        ),
        (
            "{{ 90061.5 | humanizeDuration }} {{ 0 | humanizeDuration }} {{ -65.0 | humanizeDuration }}",
            "1d 1h 1m 1s 0s -1m 5s",
        ),
        ("{{ 0.1234567 | humanizePercentage }} {{ `0.5` | humanizePercentage }}", "12.35% 50%"),
        ("{{ 1435065584.128 | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ now | toTime }} {{ 3661.5 | toDuration }}", "2015-10-21 07:28:00.5 +0000 UTC 1h1m1.5s"),
        ("{{ parseDuration `1h30m` }} {{ pathPrefix }} {{ externalURL }}", "5400 /p https://prometheus.example.org/p"),
        ("{{ `hello wORLD` | title }} {{ `aB` | toUpper }} {{ `aB` | toLower }}", "Hello WORLD AB ab"),
        ("{{ $labels.instance | stripPort }} {{ $labels.instance | stripDomain }}", "a.example.org a:80"),
        ("{{ `[::1]:80` | stripPort }} {{ `10.1.2.3:80` | stripDomain }}", "::1 10.1.2.3:80"),
        (
            "{{ reReplaceAll `(.*):(.*)` `$2-${1}` $labels.instance }} {{ match `^a\\.` $labels.instance }}",
            "80-a.example.org true",
        ),
        (
            "{{ graphLink `up == 0` }} {{ tableLink `up` }}",
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        ("{{ safeHtml `<b>` }} {{ urlQueryEscape `a b` }}", "<b> a+b"),
    ],
)
def test_the_functions_of_prometheus_are_there(source, text):
    """The examples of its documentation, and of its tests."""
    assert expanded(source) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (100_000.0, "100000"),
        (1e6, "1e+06"),
        (123456789.0, "1.23456789e+08"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
        (0.0, "0"),
        (-0.0, "-0"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_a_value_is_written_as_go_writes_it(value, text):
    assert expanded("{{ $value }}", value=value) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            '{{ printf "%5.2f|%-6s|%06d|%q|%x|%t" 3.14159 "ab" 42 "x\\ny" 255 true }}',
            ' 3.14|ab    |000042|"x\\ny"|ff|true',
        ),
        ('{{ printf "%d|%s" 1.5 }}', "%!d(float64=1.5)|%!s(MISSING)"),
        ('{{ printf "%s" "a" 2 }}', "a%!(EXTRA int=2)"),
        ('{{ printf "%v %g %e %.3g %+d %c" 1e6 0.5 1500.0 1234.5 7 65 }}', "1e+06 0.5 1.500000e+03 1.23e+03 +7 A"),
        ('{{ printf "%5t|%.2s|%%" true "abc" }}', " true|ab|%"),
    ],
)
def test_printf_writes_as_go_does(source, text):
    assert expanded(source) == text


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("ab {{ nope }}", (1, 7), "there is no function nope"),
        ("\n{{ $nope }}", (2, 4), "there is no variable $nope"),
        ("{{ if true }}x", (1, 4), "this if does not end: {{ end }} is missing"),
        ("x {{ end }}", (1, 6), "there is nothing to end here"),
        ("{{ if }}x{{ end }}", (1, 7), "there is nothing here to be evaluated"),
        ("{{ $labels.job ", (1, 1), "this action does not end: }} is missing"),
        ("{{ 1 | 2 }}", (1, 10), "what follows | is a function"),
        ("{{ (eq 1 1 }}", (1, 4), "this parenthesis is not closed"),
        ("{{ $labels.job`x` }}", (1, 15), "there is a space missing before 'x'"),
        ("{{ break }}", (1, 4), "break stands in a range"),
        ('{{ block "a" . }}{{ end }}', (1, 4), "block is not supported: use define and template"),
        ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", (1, 39), "there is no variable $x"),
        ("{{ ! }}", (1, 4), "'!' does not belong here"),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(source, place, reason):
    with pytest.raises(TemplateError) as caught:
        Template(source)
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ $value | toUpper }}", "toUpper takes a text, not float64"),
        ("{{ humanize `x` }}", "humanize: 'x' is no number"),
        ("{{ eq $value 1 }}", "eq: float64 and int cannot be compared; write 1.0 for 1 beside a value"),
        ('{{ query "none" | first }}', "first: the query gave nothing"),
        ('{{ query "broken" }}', "query: it has no answer"),
        ("{{ .Nope }}", "*template.sample has no field Nope"),
        ("{{ $labels.job.length }}", "string has no field length"),
        ("{{ reReplaceAll `(` `` `x` }}", "reReplaceAll: '(' is no regular expression: missing ): ("),
        ("{{ toUpper }}", "toUpper takes 1 arguments, not 0"),
        ('{{ template "none" }}', "there is no template 'none'"),
        ("{{ index $labels 1 }}", "index: the key of a map is a text, not int"),
        ("{{ parseDuration `5x` }}", "parseDuration: '5x' is no duration; write it like 90s, 1h30m or 500ms"),
    ],
)
def test_what_cannot_be_expanded_says_why(source, reason):
    with pytest.raises(ExpansionError) as caught:
        expanded(source)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "source",
    [
        "{{ $labels.__class__ }}",
        "{{ .Labels.keys }}",
        "{{ $labels.job.__class__ }}",
        "{{ $value.real }}",
        "{{ printf `%v` .__dict__ }}",
        '{{ (query "up").__len__ }}',
        "{{ index $labels `__class__` }}",
    ],
)
def test_no_attribute_of_python_is_in_reach(source):
    """It is an error, or empty as any label that is not there."""
    try:
        text = expanded(source)
    except ExpansionError as exc:
        text = "" if "has no" in exc.reason else exc.reason
    assert text == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ range 60000 }}{{ end }}", "steps"),
        (f"{{{{ range 1000 }}}}{'x' * 100}{{{{ end }}}}", f"longer than {MAX_OUTPUT:,}"),
        ('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', "include each other"),
        ('{{ range 100 }}{{ query "up" }}{{ end }}', "asks at most"),
        ("{{ printf `%9999999999d` 1 }}" * 20, "longer than"),
    ],
)
def test_a_template_comes_to_an_end(source, reason):
    with pytest.raises(ExpansionError, match=reason):
        expanded(source)


def test_nesting_and_length_have_an_end():
    with pytest.raises(TemplateError, match="nested"):
        Template("{{ if true }}" * 100)
    with pytest.raises(TemplateError, match="nested"):
        Template(f"{{{{ {'(' * 100}1{')' * 100} }}}}")
    with pytest.raises(TemplateError, match="at most"):
        Template("{{ }}" + "x" * 70_000)


WORDS = (
    "{{|}}|{{ | }}|{{- | -}}|if |else |end|range |with |$x := |$labels.job|(|)|humanize |printf |1 |$value |query |eq "
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*WORDS.split("|"), "|", '"%d"', "`a`", "/* */", "'a'"]), max_size=30))
def test_no_text_makes_it_fail_otherwise(parts):
    """Whatever a rule file says: text, or an error of its own."""
    source = "".join(parts)
    with contextlib.suppress(TemplateError):
        assert isinstance(expanded(source), str)
