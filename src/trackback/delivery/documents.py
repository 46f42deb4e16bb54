"""Files of YAML or JSON that people write: read strictly, with errors that point at the line."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trackback.errors import InvalidParameter
from trackback.limits import shown

if TYPE_CHECKING:
    import yaml

T = TypeVar("T")
ALIKE = 0.75
"""How alike two names are, of 1, for one to be taken for the other misspelled."""

_PLACE = re.compile(r" - at `\$?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$")


class Document:
    """A file's content, and where in it each part stands.

    InvalidParameter: it can't be read, is no YAML, or has a key twice in one place; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        import yaml  # noqa: PLC0415 - only who reads YAML needs it

        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            loader = _loader()(text)
            self._node = loader.get_single_node()
            self._refuse_twice(self._node)
            self.value: Any = None if self._node is None else loader.construct_document(self._node)
        except OSError as error:
            raise InvalidParameter(f"{path} can't be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise InvalidParameter(f"{path} is not UTF-8.") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise InvalidParameter(f"{path}, line {line}: this is not YAML: {error.problem}.") from None
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise InvalidParameter(f"{path} is not YAML: {' '.join(str(error).split())}.") from None

    def convert(self, value: Any, kind: type[T], at: str = "") -> T:
        """A part of the content as a struct. ``at`` is where it stands: ``.checks[2]``; empty for all of it.

        InvalidParameter says what is wrong with it, and in which line.
        """
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            place, said = _PLACE.search(str(error)), _PLACE.sub("", str(error))
            within = place[1] if place else ""
            if unknown := _UNKNOWN.fullmatch(said):
                raise self.unknown(at + within, unknown[1], _fields(kind, within)) from None
            raise self.fault(at + within, said) from None

    def unknown(self, at: str, name: str, known: Iterable[str]) -> InvalidParameter:
        """The error for a field at a place that is none of those there can be."""
        there = tuple(known)
        near = difflib.get_close_matches(name, there, 1, ALIKE)
        instead = f"Is it {near[0]!r}" if near else f"There are: {', '.join(there)}" if there else "Leave it out"
        return self.fault(f"{at}.{name}", f"There is no field {shown(name)}. {instead}{'?' if near else '.'}")

    def fault(self, at: str, what: str) -> InvalidParameter:
        """The error for what stands at a place: ``.checks[2].min``."""
        where = f" at '{at.lstrip('.')}'" if at else ""
        end = "" if what.endswith((".", "?")) else "."
        return InvalidParameter(f"{self.path}, line {self.line(at)}{where}: {what}{end}")

    def line(self, at: str) -> int:
        """The line that a place begins in, or the part around it that is there; counted from 1."""
        node = self._node
        for key, index in _STEP.findall(at):
            inner = _inside(node, key, int(index) if index.isdecimal() else None)
            if inner is None:
                break
            node = inner
        return int(node.start_mark.line) + 1 if node is not None else 1

    def _refuse_twice(self, node: "yaml.Node | None") -> None:
        """YAML takes the last of equal keys, so that a part could get lost unseen."""
        if node is None or not isinstance(node.value, list):
            return
        seen = set()
        for each in node.value:
            key, value = each if isinstance(each, tuple) else (None, each)
            if key is not None:
                if str(key.value) in seen:
                    raise InvalidParameter(
                        f"{self.path}, line {key.start_mark.line + 1}: {shown(key.value)} stands there twice. Write it "
                        "in one place."
                    )
                seen.add(str(key.value))
            self._refuse_twice(value)


def _loader() -> "type[yaml.SafeLoader]":
    """YAML's, which also takes 1e-3 for a number, as everybody but YAML 1.1 does."""
    import yaml  # noqa: PLC0415 - only who reads YAML needs it

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
    return Loader


def _fields(kind: type[Any], at: str) -> tuple[str, ...]:
    """The names of the fields of the struct at a place within another; none, where that can't be told."""
    found: Any = msgspec.inspect.type_info(kind)
    for key, _ in _STEP.findall(at):
        if isinstance(found, msgspec.inspect.StructType):
            found = next((each.type for each in found.fields if each.encode_name == key), None)
        else:
            found = getattr(found, "item_type", None) or getattr(found, "value_type", None)
        if isinstance(found, msgspec.inspect.UnionType):
            structs = [each for each in found.types if not isinstance(each, msgspec.inspect.NoneType)]
            found = next((each for each in structs if isinstance(each, msgspec.inspect.StructType)), structs[0])
    return tuple(each.encode_name for each in found.fields) if isinstance(found, msgspec.inspect.StructType) else ()


def _inside(node: Any, key: str, index: int | None) -> Any:
    """The part of a node; of a mapping's the key, whose line is where people look."""
    if node is None or not isinstance(node.value, list):
        return None
    if index is not None:
        return node.value[index] if index < len(node.value) else None
    for each in node.value:
        if isinstance(each, tuple) and str(each[0].value) == key:
            return each[1] if isinstance(each[1].value, list) else each[0]
    return None
