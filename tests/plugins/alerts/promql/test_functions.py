"""Every function and aggregation, by what Prometheus's documentation says of it; in the script language of its tests."""

from __future__ import annotations

import pytest
from tests.plugins.alerts.promql.script import Script

from trivet_plugins.alerts.promql.aggregation import PLAIN
from trivet_plugins.alerts.promql.functions import FUNCTIONS
from trivet_plugins.alerts.promql.signatures import AGGREGATIONS, SIGNATURES

SCRIPTS = {
    "rates of counters": """
load 10s
  c_total{x="steady"} 0+10x12
  c_total{x="reset"} 0+10x6 0+10x5
  c_total{x="high"} 1000+10x12
  c_total{x="late"} _x6 3+1x6
  c_total{x="single"} _x11 5
  gauge 0 5 3 8 2 9 4
# Seven samples after the left edge; the first is close to it, so all of the window is covered.
eval instant at 60s rate(c_total{x="steady"}[1m])
  {x="steady"} 1
eval instant at 60s increase(c_total{x="steady"}[55s])
  {x="steady"} 55
eval instant at 120s increase(c_total{x="reset"}[120s])
  {x="reset"} 109.0909090909091
# It begins within the window: half of a gap is added, but nothing below zero.
eval instant at 120s increase(c_total{x="late"}[5m])
  {x="late"} 6.5
eval instant at 120s increase(c_total{x="high"}[5m])
  {x="high"} 125
eval instant at 120s increase(c_total{x="steady"}[5m])
  {x="steady"} 120
# One sample is no rate.
eval instant at 120s rate(c_total{x="single"}[1m])
eval instant at 120s irate(c_total[5s])
eval instant at 120s irate(c_total[25s])
  {x="steady"} 1
  {x="reset"} 1
  {x="high"} 1
  {x="late"} 0.1
eval instant at 75s irate(c_total{x="reset"}[25s])
  {x="reset"} 0
eval instant at 70s idelta(c_total{x="reset"}[25s])
  {x="reset"} -60
eval instant at 60s delta(gauge[60s])
  {} -1.2
eval instant at 60s idelta(gauge[60s])
  {} -5
eval instant at 60s resets(gauge[2m])
  {} 3
eval instant at 60s changes(gauge[2m])
  {} 6
eval instant at 60s resets(gauge[5s])
  {} 0
# A name that is none of a counter may be a mistake.
eval instant at 60s rate(gauge[1m])
  expect info msg: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (1:6)
  {} 0.42
eval instant at 60s rate(c_total{x="steady"}[1m])
  expect no_info
  {x="steady"} 1
""",
    "the zero of counters": """
load 5m
  c_total{x="zero"} 0+10x10
  c_total{x="reset"} 0+18x5 0+18x5
  c_total{x="ten"} 10+10x10
  c_total{x="one"} 1+10x10
eval instant at 50m increase(c_total[50m])
  {x="zero"} 100
  {x="reset"} 160
  {x="ten"} 100
  {x="one"} 100
# Half of a gap is added before the first sample, 2.5 minutes; but not below zero, where "one" was half a minute before.
eval instant at 50m increase(c_total[100m])
  {x="zero"} 100
  {x="reset"} 162
  {x="ten"} 105
  {x="one"} 101
""",
    "lines": """
load 10s
  g 0+5x10
  still 7x10
  endless Inf Inf Inf
eval instant at 100s deriv(g[1m])
  {} 0.5
eval instant at 100s predict_linear(g[1m], 60)
  {} 80
eval instant at 100s predict_linear(g[1m] offset 30s, 60)
  {} 80
eval instant at 100s deriv(still[1m])
  {} 0
eval instant at 100s predict_linear(still[1m], 1e6)
  {} 7
eval instant at 20s deriv(endless[1m])
  {} NaN
eval instant at 0s deriv(g[1m])
""",
    "aggregations over time": """
load 10s
  g{x="a"} 1 4 2 NaN 8
  g{x="b"} NaN NaN NaN NaN NaN
  big 1e100 1 -1e100 1 1
  huge 9.9e307 9.9e307 9.9e307
  same 1.33 1.33 1.33
  gone 1 stale
eval instant at 40s max_over_time(g[50s])
  {x="a"} 8
  {x="b"} NaN
eval instant at 40s min_over_time(g[50s])
  {x="a"} 1
  {x="b"} NaN
eval instant at 20s avg_over_time(g{x="a"}[50s])
  {x="a"} 2.3333333333333335
eval instant at 20s sum_over_time(g{x="a"}[20s])
  {x="a"} 6
eval instant at 40s sum_over_time(big[1m])
  {} 3
eval instant at 20s avg_over_time(huge[1m])
  {} 9.9e307
eval instant at 20s sum_over_time(huge[1m])
  {} Inf
eval instant at 40s count_over_time(g[20s])
  {x="a"} 2
  {x="b"} 2
eval instant at 40s last_over_time(g[20s])
  g{x="a"} 8
  g{x="b"} NaN
eval instant at 40s present_over_time(g[20s])
  {x="a"} 1
  {x="b"} 1
eval instant at 20s stddev_over_time(g{x="a"}[1m])
  {x="a"} 1.247219128924647
eval instant at 20s stdvar_over_time(g{x="a"}[1m])
  {x="a"} 1.5555555555555556
eval instant at 20s stdvar_over_time(same[1m])
  {} 0
eval instant at 20s quantile_over_time(0.5, g{x="a"}[1m])
  {x="a"} 2
eval instant at 20s quantile_over_time(0.25, g{x="a"}[1m])
  {x="a"} 1.5
eval instant at 20s quantile_over_time(2, g{x="a"}[1m])
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)
  {x="a"} Inf
eval instant at 20s quantile_over_time(-1, g{x="a"}[1m])
  expect warn
  {x="a"} -Inf
eval instant at 10s count_over_time(gone[1m])
  {} 1
eval instant at 10s absent_over_time(gone[5s])
  {} 1
eval instant at 10s absent_over_time(gone[1m])
eval instant at 10s absent_over_time(nothing{a="1",b=~"2",c="3",c="4"}[1m])
  {a="1"} 1
eval instant at 10s absent_over_time(sum(nothing)[1m:10s])
  {} 1
""",
    "absence": """
load 10s
  up{job="a"} 1
eval instant at 0 absent(up)
eval instant at 0 absent(up{job="b",zone!="x"})
  {job="b"} 1
eval instant at 0 absent(up > 1)
  {} 1
eval instant at 0 absent(sum(nothing{job="x"}))
  {} 1
""",
    "labels": """
load 10s
  m{src="one-two",other="o"} 1
  m{src="three",other="p"} 2
eval instant at 0 label_replace(m, "dst", "${second}/$1$$", "src", "(?P<first>[a-z]+)-(?P<second>.*)")
  m{src="one-two",other="o",dst="two/one$"} 1
  m{src="three",other="p"} 2
# Patterns fit whole values; a group that is not there is empty; an empty value is no label.
eval instant at 0 label_replace(m, "dst", "x", "src", "thre")
  m{src="one-two",other="o"} 1
  m{src="three",other="p"} 2
eval instant at 0 label_replace(m, "other", "$7", "src", "three")
  m{src="one-two",other="o"} 1
  m{src="three"} 2
eval instant at 0 label_replace(m, "dst", "all", "nothing", "")
  m{src="one-two",other="o",dst="all"} 1
  m{src="three",other="p",dst="all"} 2
eval instant at 0 label_replace(label_replace(m, "src", "", "src", ".*"), "other", "", "other", ".*")
  expect fail msg: vector cannot contain metrics with the same labelset
eval instant at 0 label_replace(m, "", "x", "src", ".*")
  expect fail regex: invalid destination label name in label_replace
eval instant at 0 label_replace(m, "x", "x", "src", "(")
  expect fail regex: invalid regular expression in label_replace
eval instant at 0 label_join(m, "dst", "-", "src", "nothing", "other")
  m{src="one-two",other="o",dst="one-two--o"} 1
  m{src="three",other="p",dst="three--p"} 2
eval instant at 0 label_join(m, "src", "")
  m{other="o"} 1
  m{other="p"} 2
""",
    "names are dropped at the end": """
load 5m
  a_total{env="1"} 0 60 120
  b_total{env="1"} 60 120 180
eval instant at 10m -a_total
  {env="1"} -120
eval instant at 10m a_total <= b_total
  a_total{env="1"} 120
eval instant at 10m a_total <= bool b_total
  {env="1"} 1
eval instant at 10m a_total > bool 5
  {env="1"} 1
eval instant at 10m last_over_time(a_total[10m])
  a_total{env="1"} 120
eval instant at 10m label_replace(rate({env="1"}[10m]), "my", "rate_$1", "__name__", "(.+)")
  {my="rate_a_total",env="1"} 0.2
  {my="rate_b_total",env="1"} 0.2
eval instant at 10m label_replace(rate({env="1"}[10m]), "__name__", "rate_$1", "__name__", "(.+)")
  rate_a_total{env="1"} 0.2
  rate_b_total{env="1"} 0.2
eval instant at 10m label_join(rate(a_total[10m]), "__name__", "_", "__name__", "env")
  a_total_1{env="1"} 0.2
eval instant at 10m sum by (__name__, env) (a_total)
  a_total{env="1"} 120
eval instant at 10m sum by (env) (rate({env="1"}[10m]))
  {env="1"} 0.4
eval instant at 10m sum by (__name__) (rate({env="1"}[10m]))
  expect fail msg: vector cannot contain metrics with the same labelset
eval instant at 10m topk(10, sum by (__name__, env) (rate(a_total[10m])))
  {env="1"} 0.2
eval instant at 10m rate({env="1"}[10m])
  expect fail msg: vector cannot contain metrics with the same labelset
eval range from 0 to 10m step 5m a_total * 2 or b_total
  {env="1"} 0 120 240
""",
    "numbers": """
load 10s
  v{x="minus"} -2.5
  v{x="plus"} 2.5
  v{x="nan"} NaN
  v{x="inf"} Inf
eval instant at 0 abs(v)
  {x="minus"} 2.5
  {x="plus"} 2.5
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 ceil(v)
  {x="minus"} -2
  {x="plus"} 3
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 floor(v)
  {x="minus"} -3
  {x="plus"} 2
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 round(v)
  {x="minus"} -2
  {x="plus"} 3
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 round(v{x="plus"}, 0.2)
  {x="plus"} 2.6
eval instant at 0 sgn(v)
  {x="minus"} -1
  {x="plus"} 1
  {x="nan"} NaN
  {x="inf"} 1
eval instant at 0 sqrt(v)
  {x="minus"} NaN
  {x="plus"} 1.5811388300841898
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 exp(v * 1000)
  {x="minus"} 0
  {x="plus"} Inf
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 ln(v)
  {x="minus"} NaN
  {x="plus"} 0.9162907318741551
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 log2(vector(8)) + log10(vector(1000)) + ln(vector(0))
  {} -Inf
eval instant at 0 deg(vector(pi())) + rad(vector(180))
  {} 183.14159265358979
eval instant at 0 sin(v)
  {x="minus"} -0.5984721441039564
  {x="plus"} 0.5984721441039564
  {x="nan"} NaN
  {x="inf"} NaN
eval instant at 0 acos(v)
  {x="minus"} NaN
  {x="plus"} NaN
  {x="nan"} NaN
  {x="inf"} NaN
eval instant at 0 atanh(vector(-1))
  {} -Inf
eval instant at 0 sinh(vector(-1000))
  {} -Inf
eval instant at 0 cos(vector(0)) + tan(vector(0)) + asin(vector(0)) + atan(vector(0)) + cosh(vector(0)) + tanh(vector(0))
  {} 2
eval instant at 0 asinh(vector(0)) + acosh(vector(1))
  {} 0
eval instant at 0 clamp(v, -1, 2)
  {x="minus"} -1
  {x="plus"} 2
  {x="nan"} NaN
  {x="inf"} 2
eval instant at 0 clamp(v, 2, 1)
eval instant at 0 clamp_min(v, 0)
  {x="minus"} 0
  {x="plus"} 2.5
  {x="nan"} NaN
  {x="inf"} Inf
eval instant at 0 clamp_max(v, 0)
  {x="minus"} -2.5
  {x="plus"} 0
  {x="nan"} NaN
  {x="inf"} 0
eval instant at 0 clamp_min(v{x="nan"}, Inf)
  {x="nan"} Inf
eval instant at 0 sort(v)
  expect ordered
  v{x="minus"} -2.5
  v{x="plus"} 2.5
  v{x="inf"} Inf
  v{x="nan"} NaN
eval instant at 0 sort_desc(v)
  expect ordered
  v{x="inf"} Inf
  v{x="plus"} 2.5
  v{x="minus"} -2.5
  v{x="nan"} NaN
eval instant at 0 scalar(v{x="plus"}) + 1
  3.5
eval instant at 0 scalar(v)
  NaN
eval instant at 0 vector(1) + time()
  {} 1
eval instant at 0 2 ^ -1 + 7 % 4 + -7 % 4 + 1 atan2 0
  2.0707963267948966
eval instant at 0 (-8) ^ 0.5
  NaN
eval instant at 0 0 ^ -1
  Inf
eval instant at 0 (-10) ^ 309 + 10 ^ 309
  NaN
eval instant at 0 5 % 0
  NaN
""",
    "times": """
load 10s
  m 1 2 3
eval instant at 65s timestamp(m)
  {} 20
eval instant at 65s timestamp(m + 0)
  {} 65
eval instant at 65s time()
  65
# 29 February 2024, 13:07:09 UTC, a Thursday
eval instant at 0 year(vector(1709212029)) * 1e4 + month(vector(1709212029)) * 100 + day_of_month(vector(1709212029))
  {} 20240229
eval instant at 0 hour(vector(1709212029)) * 60 + minute(vector(1709212029))
  {} 787
eval instant at 0 day_of_week(vector(1709212029))
  {} 4
eval instant at 0 day_of_year(vector(1709212029))
  {} 60
eval instant at 0 days_in_month(vector(1709212029))
  {} 29
eval instant at 0 days_in_month(vector(-2203977600))
  {} 28
eval instant at 0 year(vector(1e15))
  {} 31690708
eval instant at 1709212029 year() + day_of_year()
  {} 2084
eval instant at 0 day_of_week(vector(-1))
  {} 3
""",
    "classic histograms": """
load 10s
  h_bucket{x="a",le="0.1"} 0+5x10
  h_bucket{x="a",le="0.2"} 0+7x10
  h_bucket{x="a",le="1"} 0+11x10
  h_bucket{x="a",le="+Inf"} 0+12x10
  h_bucket{x="minus",le="-0.2"} 0+1x10
  h_bucket{x="minus",le="-0.1"} 0+2x10
  h_bucket{x="minus",le="0"} 0+3x10
  h_bucket{x="minus",le="+Inf"} 0+3x10
  h_bucket{x="endless",le="1"} 0+1x10
  falling_bucket{le="0.1"} 0+2x10
  falling_bucket{le="1"} 0+1x10
  falling_bucket{le="10"} 0+5x10
  falling_bucket{le="100"} 0+4x10
  falling_bucket{le="1000"} 0+9x10
  falling_bucket{le="+Inf"} 0+8x10
  rounded_bucket{le="1"} 10
  rounded_bucket{le="2"} 9.99999999999999
  rounded_bucket{le="+Inf"} 10
  broken_bucket 1
  broken_bucket{le="abc"} 1
eval instant at 100s histogram_quantile(0.5, h_bucket{x="a"})
  {x="a"} 0.15
eval instant at 100s histogram_quantile(0, h_bucket{x!="endless"})
  {x="a"} 0
  {x="minus"} -0.2
eval instant at 100s histogram_quantile(1, h_bucket{x="a"})
  {x="a"} 1
eval instant at 100s histogram_quantile(0.5, h_bucket{x="minus"})
  {x="minus"} -0.15000000000000002
eval instant at 100s histogram_quantile(0.5, h_bucket{x="endless"})
  {x="endless"} NaN
eval instant at 100s histogram_quantile(1.5, h_bucket{x="a"})
  expect warn
  {x="a"} Inf
eval instant at 100s histogram_quantile(NaN, h_bucket{x="a"})
  expect warn
  {x="a"} NaN
eval instant at 0 histogram_quantile(0.5, h_bucket{x="a"})
  {x="a"} NaN
eval instant at 100s histogram_quantile(0.5, sum by (le) (rate(h_bucket{x!="endless"}[1m])))
  {} 0.3
eval instant at 100s histogram_quantile(0.5, falling_bucket)
  expect info regex: needed to be fixed for monotonicity.*"falling_bucket" \\(1:25\\)
  {} 8.5
eval instant at 100s histogram_quantile(0.99, falling_bucket)
  expect info
  {} 979.75
eval instant at 0 histogram_quantile(0.5, rounded_bucket)
  expect no_info
  {} 0.5
eval instant at 0 histogram_quantile(0.5, broken_bucket)
  expect warn regex: bucket label "le" is missing or has a malformed value of "(abc|)" for metric name "broken_bucket"
eval instant at 100s histogram_fraction(0, 0.2, h_bucket{x="a"})
  {x="a"} 0.5833333333333334
eval instant at 100s histogram_fraction(0.15, 0.6, h_bucket{x="a"})
  {x="a"} 0.25
eval instant at 100s histogram_fraction(-0.15, Inf, h_bucket{x="minus"})
  {x="minus"} 0.5
eval instant at 100s histogram_fraction(1, 0, h_bucket{x="a"})
  {x="a"} 0
eval instant at 100s histogram_fraction(NaN, 0, h_bucket{x="a"})
  {x="a"} NaN
""",
    "aggregations": """
load 10s
  m{g="1",x="a"} 4
  m{g="1",x="b"} 1
  m{g="2",x="c"} NaN
  m{g="2",x="d"} 3
  m{g="2",x="e"} 2
eval instant at 0 sum by (g) (m{g="1"})
  {g="1"} 5
eval instant at 0 max by (g) (m)
  {g="1"} 4
  {g="2"} 3
eval instant at 0 min without (x) (m)
  {g="1"} 1
  {g="2"} 2
eval instant at 0 count(m) + group(m) - avg(m{g="1"})
  {} 3.5
eval instant at 0 stddev(m{g="1"}) + stdvar(m{g="1"})
  {} 3.75
eval instant at 0 topk(2, m)
  expect ordered
  m{g="1",x="a"} 4
  m{g="2",x="d"} 3
eval instant at 0 bottomk by (g) (1, m)
  m{g="1",x="b"} 1
  m{g="2",x="e"} 2
eval instant at 0 topk(0, m)
eval instant at 0 topk(1e30, m)
  expect fail regex: overflows int64
eval instant at 0 quantile(0.75, m{x!="c"})
  {} 3.25
eval instant at 0 quantile(7, m)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)
  {} Inf
eval instant at 0 count_values by (g) ("value", m)
  {g="1",value="4"} 1
  {g="1",value="1"} 1
  {g="2",value="NaN"} 1
  {g="2",value="3"} 1
  {g="2",value="2"} 1
eval instant at 0 count_values("v", m{g="1"} * 1e21 + 0.5)
  {v="4000000000000000000000"} 1
  {v="1000000000000000000000"} 1
eval instant at 0 sum(nothing)
""",
    "subqueries": """
load 10s
  c_total 0+1x100
eval instant at 100s sum_over_time(c_total[30s:10s])
  {} 27
eval instant at 105s sum_over_time(c_total[30s:10s])
  {} 27
eval instant at 105s count_over_time(c_total[1s:1m])
eval instant at 105s count_over_time(c_total[2m:])
  {} 2
eval instant at 300s max_over_time(rate(c_total[1m])[2m:30s])
  {} 0.1
eval instant at 300s last_over_time(c_total[1m:10s] offset 1m)
  c_total 24
eval instant at 300s min_over_time(time()[1m:20s])
  expect fail
eval instant at 300s min_over_time(vector(time())[1m:20s])
  {} 260
eval range from 0 to 60s step 20s max_over_time(c_total[30s:10s])
  {} 0 2 4 6
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_functions_do_what_the_documentation_says(name):
    problems = {f"line {case.line}: {case.query}": case.problem() for case in Script(SCRIPTS[name]).cases()}
    assert {place: problem for place, problem in problems.items() if problem is not None} == {}


def test_every_function_and_aggregation_is_tested_here():
    text = "\n".join(SCRIPTS.values())
    names = (*SIGNATURES, *AGGREGATIONS)
    missing = [name for name in names if not any(f"{name}{rest}" in text for rest in ("(", " by (", " without ("))]
    assert missing == []


def test_what_is_declared_is_there():
    assert SIGNATURES.keys() == FUNCTIONS.keys()
    assert {name for name, param in AGGREGATIONS.items() if param is None} == PLAIN.keys()
