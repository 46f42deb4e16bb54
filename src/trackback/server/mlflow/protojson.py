"""MLflow's JSON: protobuf's mapping, with the liberties that its server takes and its clients rely on.

A request is decoded by msgspec into the struct that its endpoint declares. Whatever that refuses goes to ``readers``,
which know the rest of the mapping: camelCase names, numbers as strings (Java prints 64-bit integers so, R every
scalar), NaN and infinities, enums by number, null for unset. What they refuse too is answered with 400 and the place
in the request.

Request structs derive from ``Message``; their fields carry MLflow's names. A field without a default is required;
``NonEmpty`` counts the empty string as missing, ``str`` takes it. Integers are ``Int64``.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qs

import msgspec

from trackback.errors import InvalidParameter
from trackback.limits import INT64_MAX, INT64_MIN
from trackback.server.mlflow.readers import Fault, Reader, body_reader, query_reader

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
Int64 = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]

QUERY_FIELDS = 10_000

R = TypeVar("R", bound=msgspec.Struct)


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Base of request structs. A field unknown to msgspec may be a camelCase name, so the readers look at it."""


class Decoder(Generic[R]):
    """Decodes requests of one type. ``parameters`` are those of the path; they precede fields of the same name."""

    def __init__(self, request: type[R]) -> None:
        self._request = request
        self._decode = msgspec.json.Decoder(request).decode

    def body(self, body: bytes, parameters: Mapping[str, str]) -> R:
        if not parameters:
            try:
                return self._decode(body)
            except (ValueError, RecursionError):
                pass  # the readers find out why, or take it
        values, fault = _json_object(body)
        try:
            request = self._convert(self.read_body, {**values, **parameters})
        except InvalidParameter as error:
            raise InvalidParameter(f"{error.message} {fault}".rstrip()) from None
        if fault:
            raise InvalidParameter(fault)
        return request

    def query(self, query: bytes, parameters: Mapping[str, str]) -> R:
        try:
            values: dict[str, list[str]] = parse_qs(
                query.decode(), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS
            )
        except ValueError:
            raise InvalidParameter(
                f"The query string is not valid: it must be UTF-8, of at most {QUERY_FIELDS} fields."
            ) from None
        return self._convert(self.read_query, values | {name: [value] for name, value in parameters.items()})

    @cached_property
    def read_body(self) -> Reader:
        return body_reader(self._request)

    @cached_property
    def read_query(self) -> Reader:
        return query_reader(self._request)

    def _convert(self, read: Reader, values: dict[str, Any]) -> R:
        try:
            return msgspec.convert(read(values), self._request)
        except Fault as fault:
            raise InvalidParameter(fault.message) from None
        except msgspec.ValidationError as error:
            raise InvalidParameter(f"Invalid request: {error}.") from None


def _json_object(body: bytes) -> tuple[dict[str, Any], str]:
    """The object that ``body`` holds, or an empty one and what is wrong with it.

    Old clients encode the object twice: then it is a string that holds JSON. Nothing at all is an empty object.
    """
    if not body.strip():
        return {}, ""
    try:
        value = json.loads(body.decode())
        if isinstance(value, str):
            value = json.loads(value)
    except json.JSONDecodeError as error:
        return {}, f"The request's body is not JSON: {error}."
    except RecursionError:
        return {}, "The request's body is not usable JSON: it is nested too deeply."
    except ValueError:
        return {}, "The request's body is not usable JSON: it is not UTF-8, or a number in it is far too long."
    if not isinstance(value, dict):
        return {}, "The request's body is not a JSON object."
    return value, ""


_encode = msgspec.json.Encoder().encode


def encode_as_it_is(answer: msgspec.Struct | None) -> bytes:
    """``answer`` as a JSON object, with NaN as null."""
    return b"{}" if answer is None else _encode(answer)


def encode(answer: msgspec.Struct | None) -> bytes:
    """``answer`` as a JSON object; NaN as the string that MLflow's clients read.

    msgspec writes NaN as null. Only a field of type float can become ``"value":null``, as entities leave out what
    they don't have and quotes inside of strings are escaped, so that replacing these bytes replaces NaN alone.
    """
    if answer is None:
        return b"{}"
    body = _encode(answer)
    return body.replace(b'"value":null', b'"value":"NaN"') if b'"value":null' in body else body
