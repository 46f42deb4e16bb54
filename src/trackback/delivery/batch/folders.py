"""The output as a folder: the parts themselves, as Parquet, with a mark that says which job made them."""

from collections.abc import Callable

import msgspec

from trackback.delivery.batch.parts import cast, common_schema, table_without_rows
from trackback.delivery.batch.places import Place
from trackback.delivery.batch.plans import Plan
from trackback.delivery.batch.work import Work
from trackback.delivery.batch.writers import StampedParquetWriter, stamped
from trackback.errors import AlreadyExists

MARK = "_trackback.json"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """In a folder of predictions once it is whole."""

    job: str
    model: str
    digest: str
    rows: int


def mark_of(output: Place) -> Mark | None:
    try:
        return msgspec.json.decode(output.below(MARK).read(), type=Mark)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def check_free(output: Place) -> None:
    """AlreadyExists: something is there."""
    if next(iter(output.found()), None) is not None:
        raise AlreadyExists(f"There are files in {output.text} already. Remove them, or name another folder.")


def publish(plan: Plan, work: Work, output: Place, check: Callable[[int], None]) -> int:
    """Have the parts at their place, with the same types in all; how many rows they have.

    A folder on this machine is there as a whole or not at all. In an object store the mark comes last. ``check`` is
    told the number of rows before anything is seen.
    """
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    if not plan.partitions:
        with StampedParquetWriter(work.part(plan, 0), plan.stamp) as writer:
            writer.write(stamped(table_without_rows(plan), plan.stamp))
    names = [plan.part_name(number) for number in range(max(1, len(plan.partitions)))]
    for each in [each for each in work.parts.found() if each.path not in names]:
        each.place.remove()
    rows, schemas = 0, {}
    for name in names:
        with work.parts.below(name).open() as file, parquet.ParquetFile(file) as part:
            rows += part.metadata.num_rows
            schemas[name] = part.schema_arrow.remove_metadata()
    schema = common_schema(schemas.values())
    for name in (name for name, its in schemas.items() if its != schema):
        with work.parts.below(name).open() as file:
            table = cast(parquet.read_table(file), schema)
        with StampedParquetWriter(work.parts.below(name).target(), plan.stamp) as writer:
            writer.write(table)
    check(rows)
    mark = Mark(job=plan.job, model=plan.stamp.version, digest=plan.stamp.digest, rows=rows)
    work.parts.below(MARK).write(msgspec.json.encode(mark))
    work.parts.become(output)
    return rows
