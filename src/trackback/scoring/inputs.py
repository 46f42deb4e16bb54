"""What a model takes, as the decoder has to know it: its signature, laid out for looking up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from trackback.flavors.schema import ColumnType, DataType, Schema

FLOATS: Mapping[object, str] = {DataType.FLOAT: "float32", DataType.DOUBLE: "float64"}

#: What a column is cast to: a type of a signature's column, or the dtype of its tensor.
Kind = ColumnType | str


@dataclass(frozen=True)
class Inputs:
    """``schema``: that of the model's signature, or None.

    ``raw``: the model was made with type hints, and takes what was sent as it is.
    """

    schema: Schema | None = None
    raw: bool = False

    @cached_property
    def kinds(self) -> dict[str | int, ColumnType]:
        """The type of each column by its name, or by its place where columns have no names."""
        columns = self.schema.columns if self.schema else ()
        return {place if each.name is None else each.name: each.type for place, each in enumerate(columns)}

    @cached_property
    def named(self) -> frozenset[str]:
        """The names of columns or tensors; none where they are known by their place."""
        return frozenset(name for name in (*self.kinds, *self.dtypes) if isinstance(name, str))

    @cached_property
    def dtypes(self) -> dict[str | None, str]:
        """The type of each tensor by its name; of one without a name, by None."""
        return {each.name: each.dtype for each in self.schema.tensors} if self.schema else {}

    def kinds_of(self, columns: Sequence[str | int]) -> Mapping[str | int, Kind]:
        """The types of a table's columns: by name where the signature has names, else by place.

        Tensors may come as columns, too: each as one, or all columns as one tensor without a name.
        """
        if None in self.dtypes:
            return dict.fromkeys(columns, self.dtypes[None])
        if self.dtypes:
            return {name: dtype for name, dtype in self.dtypes.items() if name is not None}
        if 0 in self.kinds:
            return dict(zip(columns, self.kinds.values(), strict=False))
        return self.kinds

    @cached_property
    def all_floats(self) -> str | None:
        """The one dtype of all columns, if they are floats of one kind and have names."""
        kinds = set(self.kinds.values())
        return FLOATS.get(kinds.pop()) if len(kinds) == 1 and 0 not in self.kinds else None
