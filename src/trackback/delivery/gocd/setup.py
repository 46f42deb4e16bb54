"""The repository and the package in GoCD, and the webhook in trackback that has GoCD look at once.

All of it may be done again: what is there already and as it should be stays untouched.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from trackback.client.api import Client, walk
from trackback.delivery.gocd.answers import Package, Property, Repository
from trackback.delivery.gocd.api import GoCD
from trackback.entities import Webhook, WebhookTarget
from trackback.errors import Conflict
from trackback.limits import shown

PLUGIN = "trackback"
URL = "TRACKBACK_URL"
TOKEN = "TOKEN"
MODEL, EXPERIMENT, ENVIRONMENT, PR_TAG = "MODEL", "EXPERIMENT", "ENVIRONMENT", "PR_ID_TAG_NAME"
WEBHOOK_NAME_LENGTH = 50
PROMOTED = "promotion.created"
WEBHOOKS_PER_PAGE = 1000

CREATED, CHANGED, UNCHANGED = "created", "changed", "as it should be"


class Wanted(NamedTuple):
    """``url``: where GoCD reaches trackback; ``reader_token``: what it is let in by there, if it is to be set."""

    repository: str
    url: str
    reader_token: str
    package: str
    fields: Mapping[str, str]


class Done(NamedTuple):
    """What was done to the repository and the package. ``fingerprint``: the material's, once a pipeline has it."""

    repository: str
    package: str
    fingerprint: str | None


class Trigger(NamedTuple):
    """The webhook by which GoCD is told of a package's promotions."""

    name: str
    stream: str
    environment: str


class CheckAnswer(msgspec.Struct):
    status: str
    messages: tuple[str, ...] = ()


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
    return Done(repository_done, package_done, fingerprints[0] if fingerprints else None)


def trigger_of(client: Client, wanted: Wanted) -> Trigger | None:
    """What a package's promotions are told by; None of pull requests, which nobody promotes."""
    fields = wanted.fields
    if PR_TAG in fields:
        return None
    name = f"gocd-{wanted.package[:WEBHOOK_NAME_LENGTH].strip('._-')}"
    if model := fields.get(MODEL):
        return Trigger(name, f"models:/{model}", fields.get(ENVIRONMENT, ""))
    named = fields.get(EXPERIMENT, "")
    found = None if named.isascii() and named.isdigit() else client.get_experiment_by_name(named)
    return Trigger(name, f"experiments:/{found.experiment_id if found else named}", fields.get(ENVIRONMENT, ""))


def set_up_trigger(client: Client, gocd: GoCD, gocd_token: str, fingerprint: str, trigger: Trigger) -> str:
    """See that trackback tells GoCD of promotions; what was done for that."""
    options = {"api": gocd.url, "fingerprint": fingerprint}
    found = [each for each in walk(client.list_webhooks, WEBHOOKS_PER_PAGE, promotions=True) if _is(each, trigger.name)]
    if not found:
        client.create_webhook(
            trigger.name,
            "",
            [PROMOTED],
            target=WebhookTarget.GOCD,
            options=options,
            token=gocd_token,
            stream=trigger.stream,
            environment=trigger.environment,
        )
        return CREATED
    client.update_webhook(
        found[0].webhook_id,
        options=options,
        token=gocd_token,
        stream=trigger.stream,
        environment=trigger.environment,
    )
    return UNCHANGED if dict(found[0].options) == options else CHANGED


def _is(webhook: Webhook, name: str) -> bool:
    return webhook.name == name and webhook.target is WebhookTarget.GOCD


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
    return gocd.update_repository(found.repo_id, body, current.etag), CHANGED


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
