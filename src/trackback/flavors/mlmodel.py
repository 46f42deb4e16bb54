"""The MLmodel file, which says what a model's directory holds and how to load it: MLflow's format, in YAML."""

import platform
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from trackback.errors import InvalidModel, InvalidParameter, NotFound

FILE_NAME = "MLmodel"
PYTHON_FUNCTION = "python_function"

# What is written here is what this version of MLflow writes.
MLFLOW_VERSION = "3.17.2"


class SignatureText(msgspec.Struct, frozen=True):
    """A signature as the file has it: each part is JSON in a string."""

    inputs: str | None = None
    outputs: str | None = None
    params: str | None = None


class ExampleInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the input example is, and in which form. ``params`` is "true" where it has params beside the inputs."""

    artifact_path: str
    type: str
    pandas_orient: str | None = None
    serving_input_path: str | None = None
    params: str | None = None


def _new_id() -> str:
    return uuid.uuid4().hex


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


class MLmodel(msgspec.Struct, kw_only=True):
    """``flavors`` maps each flavor's name to its settings. ``others`` are keys of the file that have no field here,
    such as those of newer versions of MLflow; they are written back as they were.
    """

    flavors: dict[str, dict[str, Any]]
    signature: SignatureText | None = None
    saved_input_example_info: ExampleInfo | None = None
    artifact_path: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    model_uuid: str | None = msgspec.field(default_factory=_new_id)
    model_size_bytes: int | None = None
    mlflow_version: str | None = MLFLOW_VERSION
    utc_time_created: str | None = msgspec.field(default_factory=_now)
    metadata: dict[str, Any] | None = None
    is_signature_from_type_hint: bool = False
    type_hint_from_example: bool = False
    prompts: list[str] | None = None
    others: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def python_function(self) -> dict[str, Any]:
        """The settings by which MLflow loads the model for its uniform ``predict``; empty if it has none."""
        return self.flavors.get(PYTHON_FUNCTION, {})


# MLflow leaves these out where they are not set, and writes null for the others.
_LEFT_OUT_IF_UNSET = (
    "artifact_path",
    "run_id",
    "signature",
    "saved_input_example_info",
    "metadata",
    "model_size_bytes",
    "utc_time_created",
)


def read_mlmodel(directory: Path) -> MLmodel:
    """The MLmodel file of a model's directory. NotFound if it has none, InvalidModel if it can't be read as one."""
    file = directory / FILE_NAME
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no model in {directory}: it has no file named {FILE_NAME}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidModel(f"{file} can't be read: {error}") from error
    return _from_content(content, file)


def _from_content(content: object, file: Path) -> MLmodel:
    if not isinstance(content, dict):
        raise InvalidModel(f"{file} is not an MLmodel file: it holds {type(content).__name__}, not keys and values")
    known = set(MLmodel.__struct_fields__) - {"others"}
    fields = {key: value for key, value in content.items() if key in known}
    # Older versions wrote dates as YAML's own, and names of flavors without settings.
    for key in ("utc_time_created", "model_uuid", "mlflow_version"):
        fields[key] = None if fields.get(key) is None else str(fields[key])
    try:
        return msgspec.convert(
            {**fields, "others": {str(key): value for key, value in content.items() if key not in known}},
            MLmodel,
        )
    except msgspec.ValidationError as error:
        raise InvalidModel(f"{file} is not an MLmodel file that can be understood: {error}") from error


def write_mlmodel(mlmodel: MLmodel, directory: Path) -> None:
    """InvalidParameter if metadata, or an option of a flavor, is nothing that YAML can hold."""
    try:
        content = msgspec.to_builtins(mlmodel)
    except TypeError as error:
        raise InvalidParameter(f"metadata and options are plain values, lists and dicts of them: {error}") from error
    others = content.pop("others")
    for key in _LEFT_OUT_IF_UNSET:
        if content[key] is None:
            del content[key]
    (directory / FILE_NAME).write_text(
        yaml.safe_dump({**others, **content}, default_flow_style=False, allow_unicode=True), encoding="utf-8"
    )


def file_inside(directory: Path, name: object, key: str) -> Path:
    """The file or folder that an MLmodel file names under ``key``. InvalidModel if the name leads out of the model's
    directory, also by a symbolic link, or to nothing.
    """
    if not isinstance(name, str) or not name:
        raise InvalidModel(f"the {FILE_NAME} file of {directory} names no file under {key!r}, but {name!r}")
    target = directory / name
    if not target.resolve().is_relative_to(directory.resolve()):
        raise InvalidModel(
            f"the {FILE_NAME} file of {directory} has {name!r} under {key!r}, which leads out of the model"
        )
    if not target.exists():
        raise InvalidModel(
            f"{target} is missing, which the {FILE_NAME} file names under {key!r}: the model is incomplete"
        )
    return target


def python_function(loader_module: str, **settings: Any) -> dict[str, Any]:
    """Settings of the flavor that MLflow's uniform ``predict`` uses. ``loader_module`` is the module it loads with."""
    return {
        "loader_module": loader_module,
        "python_version": platform.python_version(),
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        **settings,
    }
