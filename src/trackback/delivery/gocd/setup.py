"""The repository and the package in GoCD.

All of it may be done again: what is there already and as it should be stays untouched.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from trackback.client.address import find_address
from trackback.client.api import Client
from trackback.delivery.gocd.answers import Package, Property, Repository
from trackback.delivery.gocd.api import GoCD
from trackback.errors import Conflict, InvalidParameter
from trackback.limits import shown

PLUGIN = "trackback"
URL = "TRACKBACK_URL"
TOKEN = "TOKEN"

CREATED, CHANGED, UNCHANGED = "created", "changed", "as it should be"
TOKEN_SET = f"{UNCHANGED}, its token set again"
"""GoCD tells nobody the token that it has, so that one that is given is set whether it is another or not."""


class Wanted(NamedTuple):
    """``url``: where GoCD reaches trackback; ``reader_token``: what it is let in by there, if it is to be set."""

    repository: str
    url: str
    reader_token: str
    package: str
    fields: Mapping[str, str]


class Done(NamedTuple):
    """What was done to the repository and the package.

    ``package_id``: what pipelines that are written as code call it. ``fingerprint``: the material's, once a pipeline
    has it.
    """

    repository: str
    package: str
    package_id: str
    fingerprint: str | None


class CheckAnswer(msgspec.Struct):
    status: str
    messages: tuple[str, ...] = ()


def reachable_address(given: str, client_uri: str, gocd: GoCD) -> str:
    """Where GoCD reaches trackback: as given, or as this client does, unless that can't be so.

    Raises InvalidParameter if the client's is this machine only, and GoCD is another.
    """
    if not given and find_address(client_uri).is_loopback and not gocd.is_on_this_machine:
        raise InvalidParameter(
            f"GoCD at {gocd.url} would look for trackback at {client_uri}, on its own machine. Set --url to the "
            "address by which GoCD and its agents reach the trackback server."
        )
    return (given or client_uri).rstrip("/")


def check_package(client: Client, wanted: Wanted) -> str:
    """What the server finds for the package now; its error, if the package can't be."""
    body = {
        "repository-configuration": {URL: {"value": wanted.url}},
        "package-configuration": {key: {"value": value} for key, value in wanted.fields.items()},
    }
    path = "/gocd/v1/package-repository/check-package-connection"
    return " ".join(client.transport.call("POST", path, body, CheckAnswer).messages)


def set_up(gocd: GoCD, wanted: Wanted) -> Done:
    """See that GoCD has the repository and the package."""
    repository, repository_done = _repository(gocd, wanted)
    package, package_done = _package(gocd, wanted, repository)
    materials = (each for each in gocd.materials() if each.type == "package")
    fingerprints = [each.fingerprint for each in materials if each.attributes.get("ref") == package.id]
    return Done(repository_done, package_done, package.id, fingerprints[0] if fingerprints else None)


def _repository(gocd: GoCD, wanted: Wanted) -> tuple[Repository, str]:
    found = next((each for each in gocd.repositories() if each.name == wanted.repository), None)
    if found is None:
        return gocd.create_repository(_repository_body(wanted, ())), CREATED
    if found.plugin_metadata.id != PLUGIN:
        raise Conflict(
            f"GoCD has a repository {shown(wanted.repository)} of the plugin {found.plugin_metadata.id} already. "
            "Choose another name with --repository."
        )
    known = {each.key: each.value for each in found.configuration}
    if known.get(URL) == wanted.url and not wanted.reader_token:
        return found, UNCHANGED
    current = gocd.repository(found.repo_id)
    body = {"repo_id": found.repo_id, **_repository_body(wanted, current.value.configuration)}
    updated = gocd.update_repository(found.repo_id, body, current.etag)
    return updated, TOKEN_SET if known.get(URL) == wanted.url else CHANGED


def _repository_body(wanted: Wanted, before: tuple[Property, ...]) -> dict[str, Any]:
    """A token that is not given stays the one that there is."""
    configuration: list[object] = [Property(URL, wanted.url)]
    if wanted.reader_token:
        configuration.append(Property(TOKEN, wanted.reader_token))
    else:
        configuration += [each for each in before if each.key == TOKEN]
    return {
        "name": wanted.repository,
        "plugin_metadata": {"id": PLUGIN, "version": "1"},
        "configuration": msgspec.to_builtins(configuration),
    }


def _package(gocd: GoCD, wanted: Wanted, repository: Repository) -> tuple[Package, str]:
    same = (each for each in gocd.packages() if each.package_repo.id == repository.repo_id)
    found = next((each for each in same if each.name == wanted.package), None)
    body = {
        "name": wanted.package,
        "auto_update": True,
        "package_repo": {"id": repository.repo_id, "name": repository.name},
        "configuration": [{"key": key, "value": value} for key, value in wanted.fields.items()],
    }
    if found is None:
        return gocd.create_package(body), CREATED
    if {each.key: each.value for each in found.configuration if each.value} == wanted.fields:
        return found, UNCHANGED
    current = gocd.package(found.id)
    return gocd.update_package(found.id, {"id": found.id, **body}, current.etag), CHANGED
