"""Random series and random questions about them, on which Prometheus 2 and 3 agree.

Samples are at multiples of 10 s and questions are asked 3 s later, so that no sample lies on the edge of a range, which is
included in version 2 only; names are selected in full, since version 3 drops them at the end only.
"""

from __future__ import annotations

JOBS = ("api", "db")
INSTANCES = ("0", "1", "2")
FUNCTIONS = (
    *("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "deg", "rad"),
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "sinh", "tanh"),
)
DATES = ["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]
OVER_TIME = ["avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar", "absent"]
OF_RANGES = ("rate", "increase", "delta", "irate", "idelta", "deriv", "resets", "changes")
AGGREGATIONS = [
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
]
CONDITIONS = ("", '{job="api"}', '{job!="api"}', '{instance=~"0|2"}', '{instance!~"1.*",job=~".+"}', '{team=""}')
MATCHINGS = (
    *("", " on (job, instance)", " ignoring (le)", " on (job) group_left ()", " on (job) group_left (team)"),
    *(" on (job) group_right (team)", " ignoring (team) group_left ()"),
)
NUMBERS = ("0", "1", "2", "-1", "0.5", "3.7", "1e3", "NaN", "Inf", "-0")


def counter(dice):
    """Text of a counter with resets; high and without gaps, since what begins at zero is cut off otherwise in version 3."""
    value, words = dice.randrange(5_000, 9_000), []
    for _ in range(61):
        value = 5_000 if dice.random() < 0.05 else value + dice.choice((0, 1, 2, 7))
        words.append(str(value))
    return " ".join(words)


def gauge(dice):
    """Text of a gauge of any values but infinity, of whose deviation the versions think otherwise."""
    values = ["1.5", "-2", "0", "3", "1e3", "-0.25", "42", "7", "8", "_", "12.5"]
    if dice.random() < 0.4:
        values += ["NaN", "stale"]
    return " ".join(dice.choice(values) for _ in range(61))


def series(dice):
    """Return ``{series: values}`` as a test file has them."""
    found = {}
    for job in JOBS:
        found[f'info{{job="{job}",team="t{dice.randrange(2)}"}}'] = "1x60"
        for instance in INSTANCES:
            labels = f'job="{job}",instance="{instance}"'
            found[f"c_total{{{labels}}}"] = counter(dice)
            found[f"g{{{labels}}}"] = gauge(dice)
            if dice.random() < 0.7:
                found[f"k{{{labels}}}"] = gauge(dice)
            below = 0
            for le in ("-1", "0.5", "1", "5", "+Inf"):
                below += dice.randrange(3)
                found[f'h_bucket{{{labels},le="{le}"}}'] = f"{below}+{below}x60"
    return found


class Questions:
    """Makes questions.

    Args:
        dice: Chance.
    """

    def __init__(self, dice):
        self.dice = dice
        self.choice = dice.choice
        self.within = False

    def any(self):
        return self.vector(3) if self.dice.random() < 0.95 else self.scalar(2)

    def scalar(self, depth):
        kind = self.dice.randrange(6) if depth else 0
        if kind == 1:
            return f"scalar({self.vector(depth - 1)})"
        if kind == 2:
            op = self.choice(("+", "-", "*", "/", "%", "^", "atan2"))
            return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"
        if kind == 3:
            return self.choice(("time()", "pi()", "-time()"))
        return self.choice(NUMBERS)

    def selector(self):
        return self.choice(("c_total", "g", "k", "h_bucket", "info", "nothing")) + self.choice(CONDITIONS)

    def shift(self):
        return self.choice(("", "", "", " offset 20s", " offset -30s", " @ 213", " @ 213 offset 1m"))

    def range(self, depth):
        if depth and self.dice.random() < 0.25:
            # Its times are multiples of its step: no ranges within, whose edges would have samples.
            self.within, outer = True, self.within
            inner = self.vector(depth - 1)
            self.within = outer
            step = self.choice(("20s", "30s", ""))
            return f"({inner})[{self.choice(('1m', '2m30s', '90s'))}:{step}]{self.shift()}"
        return f"{self.selector()}[{self.choice(('30s', '1m', '2m', '5m', '40s'))}]{self.shift()}"

    def counters(self):
        conditions = self.choice(("", '{job="api"}'))
        return f"c_total{conditions}[{self.choice(('30s', '1m', '2m', '5m'))}]{self.shift()}"

    def labels(self):
        return ", ".join(self.dice.sample(("job", "instance", "team", "le"), self.dice.randrange(3)))

    def vector(self, depth):
        makers = (
            *(self.selected, self.ranged, self.ranged, self.aggregated, self.aggregated),
            *(self.with_scalar, self.of_sets, self.matched, self.function, self.special),
        )
        return self.choice(makers)(depth - 1) if depth else self.selected(0)

    def selected(self, _depth):
        return self.selector() + self.shift()

    def ranged(self, depth):
        if self.within:
            return self.selected(depth)
        name = self.choice((*OF_RANGES, *(f"{one}_over_time" for one in OVER_TIME)))
        if self.dice.random() < 0.1:
            return f"quantile_over_time({self.scalar(1)}, {self.range(depth)})"
        if self.dice.random() < 0.1:
            return f"predict_linear({self.range(depth)}, {self.scalar(1)})"
        return f"{name}({self.counters() if name in {'rate', 'increase'} else self.range(depth)})"

    def aggregated(self, depth):
        op = self.choice(AGGREGATIONS)
        inner = self.vector(depth)
        if op in {"topk", "bottomk"}:
            inner = f"99, {inner}"  # which of several equal values are taken is nobody's promise: all of them
        if op in {"stddev", "stdvar"}:
            inner = f"{self.selector()} < 1e9"  # of the deviation of others the versions think otherwise
        if op == "quantile":
            inner = f"{self.scalar(1)}, {inner}"
        if op == "count_values":
            inner = f'"v", {self.selector()}'
        grouping = self.choice(("", f" by ({self.labels()})", f" without ({self.labels()})"))
        return f"{op}{grouping} ({inner})"

    def with_scalar(self, depth):
        op = self.choice(
            ["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<="]
        )  # version 2 forgets to drop names after atan2
        kept = " bool" if op[0] in "=!><" and self.dice.random() < 0.3 else ""
        sides = [self.vector(depth), self.scalar(1)]
        self.dice.shuffle(sides)
        return f"({sides[0]}) {op}{kept} ({sides[1]})"

    def of_sets(self, depth):
        match = self.choice(("", f" on ({self.labels()})", f" ignoring ({self.labels()})"))
        return f"({self.vector(depth)}) {self.choice(('and', 'or', 'unless'))}{match} ({self.vector(depth)})"

    def matched(self, depth):
        # Version 3 refuses several matches before a filter, version 2 those that it leaves.
        if self.dice.random() < 0.3:
            op = self.choice(("==", "!=", ">", "<="))
            return f"({self.vector(depth)}) {op}{self.choice(('', ' bool'))} on (job) group_left (team) (info)"
        match = self.choice(MATCHINGS)
        right = "info" if "group_left" in match else self.vector(depth)
        left = "info" if "group_right" in match else self.vector(depth)
        return f"({left}) {self.choice('+-*/%^')}{match} ({right})"

    def function(self, depth):
        kind = self.dice.randrange(6)
        if kind == 0:  # no more than some turns: the digits of others are the library's own
            return f"{self.choice(('sin', 'cos', 'tan'))}(({self.vector(depth)}) > -1e3 < 1e3)"
        if kind < 3:
            return f"{self.choice(FUNCTIONS)}({self.vector(depth)})"
        if kind == 3:
            return f"{self.choice(DATES)}(abs({self.vector(depth)}) < 1e6)"
        if kind == 4:
            return f"round({self.selector()}, {self.choice(('0.1', '5', '1', '0.3'))})"
        name = self.choice(("clamp", "clamp_min", "clamp_max"))
        limits = [self.scalar(1) for _ in range(1 + (name == "clamp"))]
        return f"{name}({self.vector(depth)}, {', '.join(limits)})"

    def special(self, depth):
        inner = self.vector(depth)
        return self.choice(
            (
                f"absent({inner})",
                f"sort({inner})",
                f"sort_desc({inner})",
                f"-({inner})",
                f"timestamp({inner})",
                f"vector({self.scalar(2)})",
                f'label_replace({inner}, "x", "$1-${{1}}y$$", "job", "(a|d)(.*)")',
                f'label_join({inner}, "x", "/", "job", "instance", "none")',
                f"histogram_quantile({self.choice(('0', '0.3', '0.9', '1', '-1', '2'))}, h_bucket)",
                "histogram_quantile(0.5, sum by (le, job) (h_bucket))",
                "histogram_quantile(0.5, h_bucket * 0)",
                "hour()",
            )
        )
