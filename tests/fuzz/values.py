"""Values that fields do not expect: of the wrong type, too large, or troublesome to some layer below."""

import base64
import json
from typing import Any


class Raw(str):
    """A piece of JSON as it is to stand in a body, valid or not."""


NUMBERS: list[Any] = [
    0, -1, 1.5, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30, 10**400,
    1e308, -1e308, 5e-324, -0.0,
    Raw("1e999"), Raw("-1e999"), Raw("1" * 5000), Raw("0." + "1" * 5000), Raw("-0"), Raw("01"), Raw("+1"), Raw(".5"),
    Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("0x10"),
]  # fmt: skip
TEXTS: list[Any] = [
    "", " ", "a", "0", "-1", "1e5", "9" * 25, "NaN", "Infinity", "null", "true", "{}", "[]", '"', "'", "`", "\\", "%",
    "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufeff", "\ufffe", "\U0010ffff", "é", "ß", "İ", "ﬃ", "e\u0301",
    "\u202e", "\u2028", "\r\n", "\n", "\t", "\x7f", "\x1b[31m", "x" * 251, "x" * 9000, "é" * 6001, "x" * 70_000,
    ".", "..", "../../etc/passwd", "/etc/passwd", "a/../b", "a//b", "a/", "/", "..\\..\\windows", "C:\\windows",
    "%2e%2e%2f", "%252e%252e%252f", "%00", "~", "$HOME", "${jndi:x}", "{{7*7}}", "<script>", "'; DROP TABLE runs; --",
    "file:///etc/passwd", "s3://", "runs:/x", "mlflow-artifacts:/../..", "http://[", "m-" + "0" * 32, "0" * 32,
    Raw('"\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'), Raw('"unended'), Raw("'single'"),
]  # fmt: skip
FILTERS: list[Any] = [
    "(" * 5000, "NOT " * 5000 + "metrics.loss > 1", "(" * 200 + "metrics.loss > 1" + ")" * 200,
    " AND ".join(["metrics.loss > 1"] * 101), " OR ".join(["metrics.loss > 1"] * 500), "metrics.loss >", "> 1", "AND",
    "metrics.loss > 'text'", "metrics.loss > 1e999", "metrics.loss > -1e999", "metrics.loss > " + "9" * 5000,
    "metrics.loss IN (1)", "metrics.loss LIKE 'x'", "params.x > 1", "params.x IN ()", "params.x LIKE '%\\'",
    "params.`a", "params.`a\x00b` = 'x'", "params.x = 'a\x00b'", "params.x = '\ud800'", "tags.\x00 = 'x'",
    "params.x = 'unended", 'params."x" = "y"', "tags.`" + "x" * 70_000 + "` = 'x'", "tags.x = '" + "x" * 70_000 + "'",
    "params.x ILIKE '" + "%_" * 2000 + "'", "attributes.nonsense = 1", "attributes.start_time > 'x'",
    "attributes.start_time > " + "9" * 30, "attributes.run_id IN ('a', 'b', '\x00')", "attributes.status = 'x'",
    "run_id = 5", "name = 5", "nonsense.x = 1", "dataset.name = 'a\x00'", "dataset.nonsense = 'x'", "min(metrics.loss)",
    "min(params.x) < 1", "min(metrics.loss) = 'x'", "metrics.loss IS NULL", "params.x IS NOT NULL OR", "-- x", "/* x",
    "experiment_id > 'x'", "experiment_id = " + "9" * 30, "creation_time > 1e999", "\ud800", "a\x00", "é = 'é'",
]  # fmt: skip
ORDERS: list[Any] = [
    "", "metrics.loss", "metrics.loss SIDEWAYS", "metrics.loss ASC, metrics.loss DESC", "nonsense", "params.`a\x00`",
    "tags.`unended", "min(metrics.loss)", "min(params.x)", "attributes.start_time DESC; --", "metrics." + "x" * 70_000,
    "\ud800", "a\x00", "metrics.loss ASC" * 1000,
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, [], {}, [[]], [None], [{}], {"": ""}, {"a": {"b": []}}, [1, "a", None], Raw(""),
    Raw("undefined"),
    Raw("[" * 500 + "]" * 500), Raw("[" * 950 + "]" * 950), Raw("[" * 100_000), Raw('{"a":' * 950 + "1" + "}" * 950),
    Raw('{"a":' * 20_000),
]  # fmt: skip

_TOKENS: list[Any] = [
    {"offset": -1}, {"offset": 2**63 - 1}, {"offset": 2**63}, {"offset": "1"}, {"offset": True}, {"offset": 1e3},
    {"offset": {"offset": 1}}, [0, 0, 0.0, 0], [2**63, 0, 0.0, 0], [0, 0, 0.0, 2], [0, 0, None, 0], [[[]]],
]  # fmt: skip
TOKENS: list[Any] = [
    "x", "\x00", "====", "e30=", "W10=", "bnVsbA==", "é",
    *(base64.b64encode(json.dumps(token).encode()).decode() for token in _TOKENS),
    base64.b64encode(b"[" * 50_000).decode(), base64.b64encode(b'{"offset": 1' + b"0" * 5000 + b"}").decode(),
    base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"[NaN, 0, 0, 0]").decode(),
]  # fmt: skip
BY_NAME: dict[str, list[Any]] = {"filter": FILTERS, "order_by": ORDERS, "page_token": TOKENS, "field_name": ORDERS}

# What one layer or another has no way to hold, to compare or to encode: for every field of every request.
WORST: list[Any] = [
    None, True, 0, -1, 2**63, -(2**63) - 1, Raw("1e999"), Raw("NaN"), Raw("1" * 5000), "", "\x00", "a\x00b", "\ud800",
    "\U0010ffff", "x" * 70_000, "..", [], {}, [{}], [None], Raw("[" * 940 + "]" * 940), Raw("[" * 100_000),
]  # fmt: skip

# As text, which all of a query is: of those, what is not like another.
WORST_IN_QUERY: list[Any] = [
    0, -1, 2**63, Raw("1e999"), Raw("NaN"), Raw("1" * 5000), None, [], "", "\x00", "a\x00b", "\ud800", "\U0010ffff",
    "x" * 70_000, "..",
]  # fmt: skip

# What PostgreSQL in particular can't hold.
NOT_FOR_POSTGRES: list[Any] = [2**63, "\x00", "\ud800"]

CONTENT_TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/",
]
CONTENT_TYPES += ["application/json; charset=utf-16", "application/json;", "é", "application/json" + "x" * 9000]
HEADERS: list[tuple[str, str]] = [
    ("Origin", "http://["), ("Origin", "http://evil.example"), ("Origin", "null"), ("Origin", "http://a\xe9.example"),
    ("Host", ""), ("Host", "["), ("Host", "[::1"), ("Host", "localhost:99999"), ("Host", "a" * 9000), ("Host", "\xe9"),
    ("Range", "bytes=5-1"), ("Range", "bytes=" + "9" * 5000 + "-"), ("Range", "x"), ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "gzip"), ("X-HTTP-Method-Override", "DELETE"), ("X-Request-Id", "\xe9" * 500),
    ("Range", "bytes=-0"), ("Range", "bytes=-" + "9" * 5000), ("Range", "bytes=0-" + "9" * 18), ("Cookie", "x" * 9000),
    ("Range", "bytes=1-2,3-4"), ("If-Range", "x"), ("If-None-Match", "\xe9"), ("If-None-Match", ","), ("Expect", "x"),
    ("If-Modified-Since", "x"), ("If-Modified-Since", "Mon, 99 Foo 99999 99:99:99 +9999"), ("Accept", "nothing/at-all"),
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
