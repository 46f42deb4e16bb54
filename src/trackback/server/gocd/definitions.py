"""What the plugin answers without asking a server: GoCD asks for it before it knows of one.

``python -m trackback.server.gocd.definitions DIR`` writes each answer into a file, which becomes a part of the plugin.
"""

import base64
import json
import sys
from pathlib import Path
from typing import NamedTuple

from trackback.server.gocd.package_repository import TOKEN, URL
from trackback.server.gocd.views import Input, view
from trackback.services.gocd import packages

ICON = Path(__file__).parent / "icon.svg"

_URL = Input(URL, "Server", "The trackback server, such as https://models.example.org.", required=True)
_TOKEN = Input(TOKEN, "Token", "What the server lets in by, if it has accounts.", secure=True)


class PackageField(NamedTuple):
    """A field of package-repository, which GoCD shows by itself. ``identity``: another value is another material."""

    key: str
    title: str
    required: bool = False
    secure: bool = False
    identity: bool = True


REPOSITORY = (
    PackageField(URL, "trackback server (URL)", required=True),
    PackageField(TOKEN, "Token, of a reader", secure=True, identity=False),
)
PACKAGE = (
    PackageField(packages.EXPERIMENT, "Experiment (id or name)"),
    PackageField(packages.TAG_NAME, f"Tag that promotes a run of it: name (default {packages.TAG_NAME_DEFAULT})"),
    PackageField(packages.TAG_VALUE, f"Tag that promotes a run of it: value (default {packages.TAG_VALUE_DEFAULT})"),
    PackageField(packages.MODEL, "Or: registered model"),
    PackageField(packages.ENVIRONMENT, "Environment that it is promoted to"),
    PackageField(packages.PR_TAG, "Or: tag of an experiment's runs that has the id of their pull request"),
    PackageField(packages.PR_DAYS, f"Pull requests' runs of the last days (default {packages.PR_DAYS_DEFAULT})"),
)
TASK = (
    Input(
        "Repo",
        "Repository",
        "The name of the package's repository in GoCD, or that of the material, if it has one of its own.",
        required=True,
    ),
    Input("Package", "Package", "The name of the package; empty where the material has a name of its own."),
    Input("ArtifactPattern", "Files", "Which files: model/** or **/*.pkl; all of them by default.", default="**"),
    Input("Destination", "Folder", "Where to, in the working directory.", default="."),
    Input("DestinationFile", "File name", "What the file is to be called, if only one matches."),
)
STORE = (_URL, Input(TOKEN, "Token", "Of a writer, to publish; a reader's is enough to fetch.", secure=True))
PUBLISH = (
    Input("Source", "Files", "A folder or a pattern in the working directory: model/ or out/**.", required=True),
    Input("Model", "Registered model", "Of which it becomes the next version.", required=True),
    Input("Experiment", "Experiment", "By id or name; by default the one that is named as the pipeline."),
    Input("Description", "Description", "Of the version."),
)
FETCH = (
    Input("ArtifactPattern", "Files", "Which files; all of them by default.", default="**"),
    Input("Destination", "Folder", "Where to, in the working directory.", default="."),
    Input("Prefix", "Prefix of variables", "The job's variables begin with it.", default="TRACKBACK"),
)
SETTINGS = (_URL, Input(TOKEN, "Token", "Of a writer, who may report builds.", secure=True))


def answers() -> dict[str, object]:
    """Each answer by the extension and the request that it is for."""
    icon = {"content_type": "image/svg+xml", "data": base64.b64encode(ICON.read_bytes()).decode()}
    return {
        "package-repository.repository-configuration": _package_fields(REPOSITORY),
        "package-repository.package-configuration": _package_fields(PACKAGE),
        "task.configuration": _task_fields(TASK),
        "task.view": {"displayValue": "Fetch a model from trackback", "template": view(TASK)},
        "notification.notifications-interested-in": {"notifications": ["stage-status"]},
        "notification.go.plugin-settings.get-configuration": _settings(SETTINGS),
        "notification.go.plugin-settings.get-view": {"template": view(SETTINGS)},
        "artifact.get-icon": icon,
        "artifact.get-plugin-icon": icon,
        "artifact.get-capabilities": {},
        "artifact.store.get-metadata": _metadata(STORE),
        "artifact.store.get-view": {"template": view(STORE)},
        "artifact.publish.get-metadata": _metadata(PUBLISH),
        "artifact.publish.get-view": {"template": view(PUBLISH)},
        "artifact.fetch.get-metadata": _metadata(FETCH),
        "artifact.fetch.get-view": {"template": view(FETCH)},
    }


def texts() -> dict[str, str]:
    """What the files hold, by their names."""
    return {f"{name}.json": f"{json.dumps(answer, indent=2)}\n" for name, answer in answers().items()}


def _package_fields(fields: tuple[PackageField, ...]) -> dict[str, dict[str, object]]:
    """Booleans are booleans here, and all else is text: GoCD refuses anything else."""
    return {
        field.key: {
            "display-name": field.title,
            "display-order": str(order),
            "required": field.required,
            "secure": field.secure,
            "part-of-identity": field.identity,
        }
        for order, field in enumerate(fields)
    }


def _task_fields(inputs: tuple[Input, ...]) -> dict[str, dict[str, object]]:
    return {
        each.key: {
            "default-value": each.default,
            "display-name": each.title,
            "display-order": str(order),
            "required": each.required,
            "secure": each.secure,
        }
        for order, each in enumerate(inputs)
    }


def _settings(inputs: tuple[Input, ...]) -> dict[str, dict[str, object]]:
    return {key: {**field, "part-of-identity": False} for key, field in _task_fields(inputs).items()}


def _metadata(inputs: tuple[Input, ...]) -> list[dict[str, object]]:
    return [{"key": each.key, "metadata": {"required": each.required, "secure": each.secure}} for each in inputs]


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m trackback.server.gocd.definitions DIR")
    write(Path(sys.argv[1]))
