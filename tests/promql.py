"""A strict reader of the part of PromQL that deploy/ uses: a typo is an error, not silence.

Prometheus itself is the judge of the rest: https://prometheus.io/docs/prometheus/latest/querying/.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w.])
    |(?P<word>[a-z_][a-z0-9_]*)
    |(?P<text>"[^"\\\n]*")
    |(?P<range>\[(?:\d+[smhd]|\$__rate_interval|\$__range)\])
    |(?P<sign>=~|!~|!=|==|>=|<=|[-+*/(){},=<>]))""",
    re.VERBOSE,
)
# From the loosest to the tightest.
LEVELS = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", ">", "<", ">=", "<="),
    ("+", "-"),
    ("*", "/"),
)
AGGREGATIONS = {"sum", "max", "min", "count"}
# The types of the arguments of each function.
FUNCTIONS = {
    "rate": ("range",),
    "increase": ("range",),
    "histogram_quantile": ("number", "vector"),
    "vector": ("number",),
    "absent": ("vector",),
}
COUNTERS = ("_total", "_count", "_sum", "_bucket")


class PromqlError(ValueError):
    """The text is no query, or none that this reader knows."""


@dataclass
class Query:
    """What a query asks for: its series, and the labels that it groups by."""

    selectors: list = field(default_factory=list)  # (metric, [(label, operator, value)])
    grouped: list = field(default_factory=list)  # (labels, the selectors inside)


def parse(text):
    """Return the `Query` in `text`; raises `PromqlError`."""
    reader = _Reader(text)
    reader.expression()
    reader.expect("")
    return reader.query


def tokens_of(text):
    at, found = 0, []
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        if match is None:
            raise PromqlError(f"unreadable: {text[at : at + 20]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*found, ("end", "")]


class _Reader:
    def __init__(self, text):
        self.tokens = tokens_of(text)
        self.query = Query()

    def next(self):
        return self.tokens[0][1]

    def take(self, kind=None):
        found, value = self.tokens[0]
        if found == "end" or kind not in {None, found}:
            raise PromqlError(f"{value or 'the end'} where a {kind or 'word'} is expected")
        self.tokens.pop(0)
        return value

    def expect(self, sign):
        if self.next() != sign:
            raise PromqlError(f"{self.next() or 'the end'} where {sign or 'the end'} is expected")
        if sign:
            self.tokens.pop(0)

    def expression(self, level=0):
        """Read one and return its type: "number", "vector" or "range"."""
        if level == len(LEVELS):
            return self.operand()
        kind = self.expression(level + 1)
        while self.next() in LEVELS[level]:
            sign = self.take()
            kinds = {kind, self.expression(level + 1)}
            if "range" in kinds or (sign.isalpha() and "number" in kinds):
                raise PromqlError(f"{sign} between {sorted(kinds)}")
            kind = "vector" if "vector" in kinds else "number"
        return kind

    def operand(self):
        kind = self.tokens[0][0]
        if kind == "number":
            self.take()
            return "number"
        if self.next() == "(":
            return self.bracketed(self.expression)
        word = self.take("word")
        if word in AGGREGATIONS:
            return self.aggregation()
        if word in FUNCTIONS:
            return self.function(word)
        return self.selector(word)

    def bracketed(self, read):
        self.expect("(")
        kind = read()
        self.expect(")")
        return kind

    def aggregation(self):
        labels = set()
        if self.next() == "by":
            self.take()
            labels = self.bracketed(lambda: set(self.listed("word")))
        before = len(self.query.selectors)
        if self.bracketed(self.expression) != "vector":
            raise PromqlError("only a vector can be aggregated")
        self.query.grouped.append((labels, self.query.selectors[before:]))
        return "vector"

    def listed(self, kind):
        yield self.take(kind)
        while self.next() == ",":
            self.take()
            yield self.take(kind)

    def function(self, name):
        before = len(self.query.selectors)
        self.expect("(")
        kinds = [self.expression()]
        while self.next() == ",":
            self.take()
            kinds.append(self.expression())
        self.expect(")")
        if tuple(kinds) != FUNCTIONS[name]:
            raise PromqlError(f"{name} of {kinds}")
        inside = [metric for metric, _ in self.query.selectors[before:]]
        if name in {"rate", "increase"} and not inside[0].endswith(COUNTERS):
            raise PromqlError(f"{name} of {inside[0]}, which is no counter")
        if name == "histogram_quantile":
            self.check_quantile(inside)
        return "vector"

    def check_quantile(self, inside):
        grouped = self.query.grouped[-1][0] if self.query.grouped else set()
        if "le" not in grouped or not all(metric.endswith("_bucket") for metric in inside):
            raise PromqlError("histogram_quantile needs buckets, summed by (le)")

    def selector(self, metric):
        matchers = []
        if self.next() == "{":
            self.take()
            matchers.append(self.matcher())
            while self.next() == ",":
                self.take()
                matchers.append(self.matcher())
            self.expect("}")
        self.query.selectors.append((metric, matchers))
        if self.tokens[0][0] == "range":
            self.take()
            return "range"
        return "vector"

    def matcher(self):
        label, sign, value = self.take("word"), self.take("sign"), self.take("text")[1:-1]
        if sign not in {"=", "!=", "=~", "!~"}:
            raise PromqlError(f"{label}{sign}")
        if sign in {"=", "!="} and "|" in value:
            raise PromqlError(f'{label}{sign}"{value}" compares with one value')
        return label, sign, value
