"""The error of a filter or an order_by clause, with the place it points at."""

from trackback.errors import InvalidParameter

_AROUND = 60  # characters of a long text that are shown on each side of the place


class InvalidSearch(InvalidParameter):
    """``text`` can't be read, or asks for what its target does not have; ``position`` is the offset of the place."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        super().__init__(f"{problem} (at character {position + 1})\n{_marked(text, position)}")
        self.text = text
        self.position = position


def _marked(text: str, position: int) -> str:
    start, end = max(0, position - _AROUND), position + _AROUND
    before = ("…" if start else "") + text[start:position]
    after = text[position:end] + ("…" if end < len(text) else "")
    return f"  {_on_one_line(before + after)}\n  {' ' * len(before)}^"


def _on_one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
