"""Readers: from what JSON or a query holds to what a struct's fields take, by protobuf's rules.

A reader is made once for a type. It returns a value that msgspec converts to the type, or None for "unset", and raises
a ``Fault`` that gathers its place on the way out: ``value``, then ``[3]``, then ``metrics``.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, Self

import msgspec
from msgspec import Struct, inspect

from trackback.limits import INT64_MAX, INT64_MIN

Reader = Callable[[Any], Any]

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_QUERY_BOOLS = {"true": True, "false": False}
_SHOWN_LENGTH = 200


class Fault(Exception):
    """Something in a request is not as its field needs it."""

    def __init__(self) -> None:
        self._place: list[str] = []

    def within(self, part: str) -> Self:
        """Say that the fault lies in this part of what is being read."""
        self._place.append(part)
        return self

    @property
    def place(self) -> str:
        return "".join(reversed(self._place)).removeprefix(".")

    @property
    def message(self) -> str:
        raise NotImplementedError


class Missing(Fault):
    @property
    def message(self) -> str:
        return (
            f"Missing value for required parameter '{self.place}'. "
            "See the API docs for more information about request parameters."
        )


class Misfit(Fault):
    def __init__(self, value: object, rule: str) -> None:
        super().__init__()
        self._value = value
        self._rule = rule

    @property
    def message(self) -> str:
        # What is quoted may hold halves of surrogate pairs, and the answer must be UTF-8.
        text = json.dumps(self._value, ensure_ascii=False).encode(errors="backslashreplace").decode()
        if len(text) > _SHOWN_LENGTH:
            text = f"{text[:_SHOWN_LENGTH]}…"
        return f"Invalid value {text} for parameter '{self.place}' supplied: {self._rule}."


def body_reader(struct: type[Struct]) -> Reader:
    """Reads a JSON object: names in snake_case or camelCase."""
    return _reader(inspect.type_info(struct), read_bool)


def query_reader(struct: type[Struct]) -> Reader:
    """Reads a query string's values: a list of strings for each name, names in snake_case only."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    lists = {field.encode_name for field in info.fields if isinstance(_unwrapped(field.type), _LISTS)}
    read = _reader(info, _read_query_bool, camel=False)
    return lambda query: read({name: values if name in lists else values[0] for name, values in query.items()})


_LISTS = (inspect.ListType, inspect.VarTupleType)


def _reader(info: inspect.Type, bool_reader: Reader, *, camel: bool = True) -> Reader:
    info = _unwrapped(info)
    match info:
        case inspect.StructType():
            return _struct_reader(info, bool_reader, camel)
        case inspect.ListType() | inspect.VarTupleType():
            return _list_reader(_reader(info.item_type, bool_reader, camel=camel))
        case inspect.EnumType():
            return _enum_reader([member.value for member in info.cls])
        case inspect.StrType():
            return read_string
        case inspect.IntType(ge=int(), le=int()):
            return read_int64
        case inspect.FloatType():
            return read_double
        case inspect.BoolType():
            return bool_reader
        case inspect.DictType():
            return read_object
    raise TypeError(f"no request can hold {info}; an integer, for one, has to be Int64")


def _unwrapped(info: inspect.Type) -> inspect.Type:
    """The one type that an optional is, when it is not None."""
    if isinstance(info, inspect.UnionType):
        (info,) = (choice for choice in info.types if not isinstance(choice, inspect.NoneType))
    return info


def _struct_reader(info: inspect.StructType, bool_reader: Reader, camel: bool) -> Reader:
    fields = [
        (
            field.encode_name,
            _camel_case(field.encode_name) if camel else field.encode_name,
            _reader(field.type, bool_reader, camel=camel),
            field.required,
            bool(getattr(_unwrapped(field.type), "min_length", None)),
        )
        for field in info.fields
    ]
    if any(name != spelled for name, spelled, *_ in fields) and not info.forbid_unknown_fields:
        raise TypeError(f"{info.cls.__name__} must be a Message: msgspec would pass over its camelCase names")

    def read_struct(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Misfit(value, "it must be an object")
        read_values = {}
        for name, spelled, read, required, never_empty in fields:
            given = value.get(name)
            if spelled != name and spelled in value:
                if name in value:
                    raise Misfit(value[spelled], f"'{spelled}' and '{name}' are the same field").within(f".{name}")
                given = value[spelled]
            if given is not None:
                try:
                    given = read(given)
                except Fault as fault:
                    fault.within(f".{name}")
                    raise
            if given is None or (never_empty and not given):
                if required:
                    raise Missing().within(f".{name}")
                continue
            read_values[name] = given
        return read_values

    return read_struct


def _list_reader(read: Reader) -> Reader:
    def read_list(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Misfit(value, "it must be an array")
        items = []
        for index, given in enumerate(value):
            try:
                if given is None:
                    raise Misfit(None, "an array may not hold null")
                item = read(given)
            except Fault as fault:
                fault.within(f"[{index}]")
                raise
            if item is not None:
                items.append(item)
        return items

    return read_list


def _enum_reader(values: list[Any]) -> Reader:
    """Reads a name, or a number: protobuf's enums here count from 1 in the order that ours are written in."""
    numbers: dict[Any, Any] = dict(enumerate(values, 1))
    known = numbers | {str(number): value for number, value in numbers.items()} | {value: value for value in values}

    def read_enum(value: Any) -> Any:
        return known.get(value) if type(value) in (str, int) else None

    return read_enum


def read_string(value: Any) -> str:
    if type(value) is not str:
        raise Misfit(value, "it must be a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Misfit(value, "it is not valid Unicode") from None
    return value


def read_int64(value: Any) -> int:
    number = value
    if (type(value) is str and _INTEGER.fullmatch(value)) or (type(value) is float and value.is_integer()):
        number = int(value)
    if type(number) is not int or not INT64_MIN <= number <= INT64_MAX:
        raise Misfit(value, "it must be a 64-bit integer")
    return number


def read_double(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is str:
        if value in _NON_FINITE:
            return _NON_FINITE[value]
        if _NUMBER.fullmatch(value):
            return float(value)
    elif type(value) in (int, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    raise Misfit(value, 'it must be a number, "NaN", "Infinity" or "-Infinity"')


def read_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Misfit(value, "it must be true or false")
    return value


def read_object(value: Any) -> dict[str, Any]:
    """Any JSON object: what the protocol does not look into. It must be one that can be written down again."""
    if type(value) is not dict:
        raise Misfit(value, "it must be an object")
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise Misfit(value, "it is not valid Unicode") from None
    except RecursionError:
        raise Misfit("…", "it is nested too deeply") from None
    return value


def _read_query_bool(value: Any) -> bool:
    flag = _QUERY_BOOLS.get(value.lower())
    if flag is None:
        raise Misfit(value, "it must be true or false")
    return flag


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
