"""MLflow's fluent functions for the files of the active run.

What is made from a value here, a text or a figure, is kept with the run's spool and sent in its turn. A file that is on
disk already is sent at once if the server answers, so that large ones need no second place; else it is kept too.
"""

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from trackback.errors import InvalidParameter, NotFound
from trackback.limits import check_artifact_path, shown
from trackback.tracking.fluent import run_for
from trackback.tracking.libraries import needed
from trackback.tracking.run import ActiveRun, now_ms

_YAML = (".yml", ".yaml")
TABLES_TAG = "mlflow.loggedArtifacts"


def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Log a file, or a folder with all that is in it, in the artifact folder ``artifact_path``.

    NotFound: there is no such file.
    """
    path = Path(local_path)
    if path.is_dir():
        log_artifacts(path, f"{artifact_path}/{path.name}" if artifact_path else path.name, run_id)
    else:
        run_for(run_id).upload(_below(artifact_path, path.name), _existing(path))


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Log all files of a folder, and of those in it, below the artifact folder ``artifact_path``."""
    folder = Path(local_dir)
    if not folder.is_dir():
        raise NotFound(f"There is no folder {shown(str(folder))}.")
    run = run_for(run_id)
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        run.upload(_below(artifact_path, file.relative_to(folder).as_posix()), file)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Log a text as the artifact ``artifact_file``, in UTF-8; what is no Unicode in it is escaped."""
    run_for(run_id).upload(check_artifact_path(artifact_file), text.encode(errors="backslashreplace"))


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Log what JSON or YAML can say: as YAML, if the name ends so, else as JSON.

    InvalidParameter: it can't say that.
    """
    if artifact_file.lower().endswith(_YAML):
        import yaml  # noqa: PLC0415 - 20 ms that most programs have no use for

        dump: Callable[[Any], Any] = partial(yaml.safe_dump, sort_keys=False, allow_unicode=True)
        refusals: tuple[type[Exception], ...] = (yaml.YAMLError, TypeError)
    else:
        dump, refusals = partial(json.dumps, indent=2, default=str), (TypeError, ValueError)
    try:
        text = dump(dictionary)
    except refusals as error:
        raise InvalidParameter(f"What is to be {shown(artifact_file)} can't be written so: {error}.") from error
    log_text(text, artifact_file, run_id)


def log_figure(
    figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None, run_id: str | None = None
) -> None:
    """Log a matplotlib figure in the format of the name's ending, or a plotly figure as .html or an image.

    InvalidParameter: the figure is of another kind, or a plotly one that is to be neither.
    """
    buffer = io.BytesIO()
    suffix = PurePosixPath(artifact_file).suffix.lower()
    if hasattr(figure, "savefig"):
        figure.savefig(buffer, **{"format": suffix.lstrip(".") or "png", **(save_kwargs or {})})
    elif hasattr(figure, "write_html") and suffix == ".html":
        buffer.write(figure.to_html(**{"include_plotlyjs": "cdn", **(save_kwargs or {})}).encode())
    elif hasattr(figure, "write_image") and suffix in (".png", ".jpeg", ".webp", ".svg", ".pdf"):
        buffer.write(figure.to_image(format=suffix.lstrip("."), **(save_kwargs or {})))
    else:
        raise InvalidParameter(
            f"A figure of type {type(figure).__name__} can't be logged as {shown(artifact_file)}: matplotlib's figures "
            "can be images of any kind, plotly's .html, .png, .jpeg, .webp, .svg or .pdf."
        )
    run_for(run_id).upload(check_artifact_path(artifact_file), buffer.getvalue())


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log an image: a PIL image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Arrays are of integers from 0 to 255, of floats from 0 to 1, or of booleans. With ``key``, and ``step`` and
    ``timestamp`` (milliseconds since the epoch), it is one of a series of images, which MLflow's UI shows.

    InvalidParameter: neither or both of ``artifact_file`` and ``key``, or no image. MissingLibrary: there is no pillow.
    """
    if (artifact_file is None) == (key is None):
        raise InvalidParameter("Give log_image either artifact_file, for one image, or key, for one of a series.")
    picture = _picture(image)
    if artifact_file is not None:
        run_for(run_id).upload(check_artifact_path(artifact_file), _encoded(picture, artifact_file))
        return
    assert key is not None
    run, at, name = run_for(run_id), timestamp or now_ms(), key.replace("/", "#")
    stem = f"images/{name}%step%{step or 0}%timestamp%{at}%{uuid4()}"
    run.upload(f"{stem}.png", _encoded(picture, "x.png"))
    small = picture.copy()
    small.thumbnail((256, 256))
    run.upload(f"{stem}%compressed.webp", _encoded(small, "x.webp"))


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Log rows: a dictionary of equally long columns, or a pandas DataFrame. Rows of an earlier call are kept.

    The artifact is .json, in pandas' orientation ``split``, or .parquet. InvalidParameter: it is neither.
    MissingLibrary: there is no pandas, or for .parquet no pyarrow.
    """
    if not artifact_file.endswith((".json", ".parquet")):
        raise InvalidParameter(f"A table's artifact ends in .json or .parquet, and {shown(artifact_file)} does not.")
    check_artifact_path(artifact_file)
    with needed("pandas", "log_table"):
        import pandas as pd  # noqa: PLC0415 - only who logs tables needs it

    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame({key: _column(each) for key, each in data.items()})
    run = run_for(run_id)
    if artifact_file not in run.tables and run.resumed:
        run.tables.update(_kept_rows(run, artifact_file))
    if artifact_file in run.tables:
        frame = pd.concat([run.tables[artifact_file], frame], ignore_index=True)
    content = _written(frame, artifact_file)
    run.tables[artifact_file] = frame
    run.upload(artifact_file, content)
    names = [{"path": name, "type": "table"} for name in run.tables]
    run.set_tag(TABLES_TAG, json.dumps(names))


def _written(frame: Any, artifact_file: str) -> bytes:
    if artifact_file.endswith(".json"):
        return bytes(frame.to_json(orient="split", index=False, date_format="iso").encode())
    buffer = io.BytesIO()
    with needed("pyarrow", "log_table"):
        frame.to_parquet(buffer)
    return buffer.getvalue()


def _kept_rows(run: ActiveRun, artifact_file: str) -> dict[str, Any]:
    """The rows that were logged before the run was resumed, by artifact."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - 10 ms that most programs have no use for

    import pandas as pd  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        file = Path(folder) / "table"
        try:
            run.download(artifact_file, file)
        except NotFound:
            return {}
        read = pd.read_parquet if artifact_file.endswith(".parquet") else _read_json
        return {artifact_file: read(file)}


def _read_json(file: Path) -> Any:
    import pandas as pd  # noqa: PLC0415

    return pd.read_json(file, orient="split")


def _below(folder: str | None, name: str) -> str:
    return check_artifact_path(f"{folder.strip('/')}/{name}" if folder and folder.strip("/") else name)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(f"There is no file {shown(str(path))} to log.")
    return path


def _column(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _picture(image: Any) -> Any:
    """The image as one of PIL's."""
    with needed("pillow", "log_image"):
        from PIL import Image  # noqa: PLC0415 - only who logs images needs it

    if isinstance(image, Image.Image):
        return image
    with needed("numpy", "log_image"):
        import numpy as np  # noqa: PLC0415

    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InvalidParameter(
            f"An array of shape {array.shape} is no image: it must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)."
        )
    if array.dtype.kind == "b":
        array = array * 255
    elif array.dtype.kind == "f":
        if array.size and not (np.nanmin(array) >= 0 and np.nanmax(array) <= 1):
            raise InvalidParameter("An image of floats must have values from 0 to 1.")
        array = (array * 255).round()
    elif array.size and not (array.min() >= 0 and array.max() <= 255):
        raise InvalidParameter("An image of integers must have values from 0 to 255.")
    return Image.fromarray(array.astype(np.uint8))


def _encoded(picture: Any, name: str) -> bytes:
    buffer = io.BytesIO()
    suffix = PurePosixPath(name).suffix.lower().lstrip(".") or "png"
    formats = {"jpg": "jpeg"}
    if suffix in ("jpg", "jpeg") and picture.mode in ("RGBA", "P"):
        picture = picture.convert("RGB")
    picture.save(buffer, format=formats.get(suffix, suffix))
    return buffer.getvalue()
