"""Pages of what was searched for, and the way through all of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar, cast, overload

E = TypeVar("E")
P = ParamSpec("P")


@dataclass(frozen=True)
class Page(Sequence[E], Generic[E]):
    """Some of what was searched for, in order: a sequence. ``next_page_token`` asks for the next; None on the last."""

    items: tuple[E, ...] = ()
    next_page_token: str | None = None

    @property
    def token(self) -> str | None:
        """``next_page_token``, as MLflow's client names it."""
        return self.next_page_token

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[E, ...]: ...
    def __getitem__(self, index: int | slice) -> E | tuple[E, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


def walk(search: Callable[P, Page[E]], *arguments: P.args, **fields: P.kwargs) -> Iterator[E]:
    """All that a search finds, page after page, as they are needed: ``walk(client.search_runs, ["1"])``.

    Errors: those of the search, also midway.
    """
    ask = cast(Callable[..., Page[E]], search)
    page = ask(*arguments, **fields)
    yield from page
    while page.next_page_token:
        page = ask(*arguments, **{**fields, "page_token": page.next_page_token})
        yield from page
