"""What runs are compared by, beside what was logged to them: of each part its values, flat and by name.

The command line compares two runs by these, the web pages up to 500.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trackback.entities.provenance import CodeRecord, DatasetRecord, EnvironmentRecord, Package, UsedDataset

Values = Mapping[str, Any]

_DIGEST_SHOWN = 12


def of_code(code: CodeRecord | None) -> Values:
    """Files of the code by their digest, so that it shows which differ."""
    known = code or CodeRecord()
    files = {"diff": known.diff, "script": known.script, "notebook": known.notebook}
    return there(
        repository=known.repository,
        commit=known.commit,
        branch=known.branch,
        dirty=known.dirty,
        entry_point=known.entry_point,
        command=" ".join(known.command) or None,
        **{name: file.sha256 or file.path for name, file in files.items() if file},
    )


def of_environment(environment: EnvironmentRecord | None) -> Values:
    """But for its packages, which are a part of their own."""
    known = environment or EnvironmentRecord()
    hardware = msgspec.to_builtins(known.hardware) if known.hardware else {}
    return there(
        python=known.python,
        os=known.os,
        machine=known.machine,
        image=known.image,
        **{f"hardware {name}": value for name, value in hardware.items()},
        **{f"variable {name}": value for name, value in known.variables.items()},
    )


def of_packages(packages: Iterable[Package]) -> Values:
    return {each.name: each.version or each.specifier or "" for each in packages}


def of_datasets(datasets: Iterable[UsedDataset]) -> Values:
    """Digests, by what the data sets are called."""
    return {called(each.name, each.context): each.digest for each in datasets}


def of_columns(name: str, dataset: DatasetRecord) -> dict[str, Any]:
    """The columns of a data set, each by its type and the digests of its parts, so that the changed ones show."""
    columns = dataset.schema.get("columns", ()) if isinstance(dataset.schema, dict) else ()
    found = {f"{name}: column {each['name']}": _column(each) for each in columns if isinstance(each, dict)}
    return found | there(**{f"{name}: rows": dataset.rows, f"{name}: source": dataset.source})


def called(name: str, context: str | None) -> str:
    """A data set, by what the run did with it: one may be used twice."""
    return f"{name} ({context})" if context else name


def there(**values: Any) -> dict[str, Any]:
    """Those of the values that there are."""
    return {name: value for name, value in values.items() if value is not None}


def _column(column: Mapping[str, Any]) -> str:
    parts = column.get("parts")
    digests = [str(digest)[:_DIGEST_SHOWN] for _, digest in sorted(parts.items())] if isinstance(parts, dict) else []
    return " ".join([str(column.get("type", "")), *digests])
