"""How valid requests are spoiled: in a value, in the JSON around it, or in the request that carries it."""

import copy
import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.fuzz.examples import Example, Fields
from tests.fuzz.values import BY_NAME, CONTENT_TYPES, HEADERS, METHODS, NUMBERS, ODD, TEXTS, WORST, WORST_IN_QUERY, Raw
from tests.server.wire import request

Place = tuple[Any, Any]
"""A dict and a key of it, or a list and an index."""


class Sent(NamedTuple):
    """A request as bytes; ``page``: its route answers with HTML."""

    method: str
    data: bytes
    page: bool


class Twin:
    """A key that an object has already."""

    def __init__(self, key: str) -> None:
        self.key = key


def each_field_at_its_worst(example: Example, worst: Sequence[Any] = ()) -> Iterator[Sent]:
    """``worst``: of all that is bad for a field, these only."""
    worst = worst or (WORST_IN_QUERY if example.in_query else WORST)
    for number in range(len(list(_places(example.fields)))):
        for value in worst:
            fields = copy.deepcopy(example.fields)
            container, key = list(_places(fields))[number]
            container[key] = copy.deepcopy(value)
            yield sent(example, fields)
    for name in example.parameters:
        for value in filter(_is_text, worst):
            yield sent(example._replace(parameters={**example.parameters, name: value}), example.fields)


def each_odd_header(example: Example) -> Iterator[Sent]:
    for header in (*HEADERS, *(("Content-Type", each) for each in CONTENT_TYPES)):
        yield sent(example, example.fields, headers=dict([header]))
    for method in METHODS:
        yield sent(example._replace(route=_with_method(example, method)), example.fields)


# A server that has refused a body reads 64 MiB more of it, and then hangs up.
LARGEST_BODY = 60 << 20


def spoiled(choose: Random, example: Example) -> Sent:
    """The request, spoiled in one to three ways."""
    fields = copy.deepcopy(example.fields)
    body: bytes | None = None
    headers: dict[str, str] = {}
    for _ in range(choose.choice([1, 1, 1, 2, 3])):
        match choose.choice("ffffffffffbbpphm"):
            case "f":
                _spoil_field(choose, fields)
            case "b":
                body = _spoiled_body(choose, dump(fields))
            case "p" if example.parameters:
                name = choose.choice(sorted(example.parameters))
                parameters = {**example.parameters, name: choose.choice(list(filter(_is_text, TEXTS)))}
                example = example._replace(parameters=parameters)
            case "h":
                headers |= dict([choose.choice([*HEADERS, *(("Content-Type", each) for each in CONTENT_TYPES)])])
            case "m":
                example = example._replace(route=_with_method(example, choose.choice(METHODS)))
    return sent(example, fields, body, headers, twice=choose.random() < 0.1)


def sent(
    example: Example,
    fields: Fields,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    twice: bool = False,
) -> Sent:
    """``twice``: what the path holds is encoded twice."""
    path = example.path(lambda value: _quoted(_quoted(value) if twice else value))
    if example.in_query:
        path += f"?{'&'.join(_query(fields))}"
    else:
        body = (dump(fields) if body is None else body)[:LARGEST_BODY]
    if example.sends_file:
        body = b"the bytes of a file"
    return Sent(example.route.method, request(example.route.method, path, body, headers), example.is_page)


def _with_method(example: Example, method: str) -> Any:
    return example.route.__class__(method, example.route.path, example.route.permission, example.route.endpoint)


def _places(tree: Any) -> Iterator[Place]:
    items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for key, value in items:
        yield tree, key
        yield from _places(value)


def _spoil_field(choose: Random, fields: Fields) -> None:
    places = list(_places(fields))
    if not places:
        fields["unknown"] = copy.deepcopy(choose.choice(ODD))
        return
    container, key = choose.choice(places)
    match choose.choice("vvvvvvvvdwlrtcu"):
        case "v":
            values = choose.choice([NUMBERS, TEXTS, ODD, WORST, BY_NAME.get(str(key), TEXTS)])
            container[key] = copy.deepcopy(choose.choice(values))
        case "d":
            del container[key]
        case "w":
            container[key] = {"value": container[key]}
        case "l":
            container[key] = [container[key]]
        case "r":
            value = container[key]
            count = choose.choice([2, 101, 1001]) if len(dump(value)) < 1000 else 2
            container[key] = (value if isinstance(value, list) else [value]) * count
        case "t" if isinstance(container, dict):
            container[Twin(_name(key))] = choose.choice(TEXTS)
        case "c" if isinstance(container, dict):
            container[_camel_case(_name(key))] = container[key]
        case _ if isinstance(container, dict):
            container["unknown"] = copy.deepcopy(choose.choice([*NUMBERS, *TEXTS, *ODD]))


def _spoiled_body(choose: Random, body: bytes) -> bytes:
    place = choose.randrange(len(body) + 1)
    return choose.choice(
        [
            body[:place],
            body[place:],
            body[:place] + bytes([choose.randrange(256)]) + body[place:],
            body[:place] + b"\xff\xfe" + body[place:],
            body + body,
            json.dumps(body.decode()).encode(),
            json.dumps(json.dumps(body.decode())).encode(),
            b"[" + body + b"]",
            body.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + body,
            b"",
            b"null",
            b"0",
            b'"text"',
            b"\x00" * 10,
            b"[" * 100_000,
            b'"' + b"\\u0000" * 1000 + b'"',
        ]
    )


def dump(tree: Any) -> bytes:
    """``tree`` as JSON, with what no JSON library would write."""
    return "".join(_dumped(tree)).encode()


def _dumped(tree: Any) -> Iterator[str]:
    if isinstance(tree, Raw):
        yield tree
    elif isinstance(tree, dict):
        yield "{"
        for number, (key, value) in enumerate(tree.items()):
            yield f"{', ' if number else ''}{json.dumps(_name(key))}: "
            yield from _dumped(value)
        yield "}"
    elif isinstance(tree, list):
        yield "["
        for number, value in enumerate(tree):
            yield ", " if number else ""
            yield from _dumped(value)
        yield "]"
    else:
        yield _number(tree) if type(tree) is int else json.dumps(tree)


def _number(number: int) -> str:
    return f"{number:d}" if abs(number) < 10**300 else "1" + "0" * 400


def _query(fields: Fields) -> Iterator[str]:
    for key, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            yield f"{_quoted(_name(key))}={_quoted(each if _is_text(each) else dump(each).decode())}"


def _quoted(text: str) -> str:
    return quote(text.encode(errors="surrogatepass"), safe="")


def _is_text(value: object) -> bool:
    return type(value) is str


def _name(key: str | Twin) -> str:
    return key.key if isinstance(key, Twin) else key


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
