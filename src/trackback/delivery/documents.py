"""Files of YAML or JSON that people write: read strictly, with errors that point at the line."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trackback.errors import InvalidParameter
from trackback.limits import shown

if TYPE_CHECKING:
    import yaml

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$?(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class Document:
    """A file's content, and where in it each part stands.

    InvalidParameter: it can't be read, is no YAML, or has a key twice in one place; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        import yaml  # noqa: PLC0415 - only who reads YAML needs it

        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            loader = yaml.SafeLoader(text)
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
            place = _PLACE.search(str(error))
            raise self.fault(at + (place[1] if place else ""), _PLACE.sub("", str(error))) from None

    def fault(self, at: str, what: str) -> InvalidParameter:
        """The error for what stands at a place: ``.checks[2].min``."""
        where = f" at '{at.lstrip('.')}'" if at else ""
        return InvalidParameter(f"{self.path}, line {self.line(at)}{where}: {what.rstrip('.')}.")

    def line(self, at: str) -> int:
        """The line that a place begins in, or the part around it that is there; counted from 1."""
        node = self._node
        for key, index in _STEP.findall(at):
            inner = _inside(node, key, int(index) if index else None)
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
