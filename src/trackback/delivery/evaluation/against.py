"""What a model is compared with: what is deployed by the ledger, what was there before, or a version that is named."""

from contextlib import suppress
from dataclasses import dataclass, replace

from trackback.client.api import Client, walk
from trackback.delivery.subject import Subject, resolve
from trackback.entities import Deployment
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown

PREVIOUS = "previous"


@dataclass(frozen=True)
class Baseline:
    """``subject``: None where nothing is there yet (``first``), or only the same files. ``why``: how that is known."""

    subject: Subject | None
    why: str
    first: bool = True


def baseline(client: Client, subject: Subject, against: str) -> Baseline:
    """Find what a subject is to be compared with.

    against: an environment: what is deployed there now; ``previous``: what the promotion replaced, or else the version
        before; or what ``resolve`` takes.

    NotFound, InvalidState: what is named is not there. InvalidParameter: it is nothing of these.
    """
    if against == PREVIOUS:
        return _previous(client, subject)
    if ":" in against or against.isdecimal() or against.startswith("promotions/"):
        named = resolve(client, against, {})
        return Baseline(replace(named, promotion=None, environment=None), f"It was named: {against}.")
    return _deployed(client, subject, against)


def _deployed(client: Client, subject: Subject, environment: str) -> Baseline:
    stream = _stream(client, subject)
    live = [each for each in _live(client, stream, environment) if each.digest]
    others = [each for each in live if each.digest != subject.digest]
    if not others:
        if live:
            where = ", ".join(each.locator for each in live)
            return Baseline(None, f"These very files are deployed in {environment} now: at {where}.", first=False)
        promoted = _promoted(client, stream, environment)
        return Baseline(None, f"Nothing of {stream} is deployed in {environment} now, by the ledger.{promoted}")
    chosen = others[0]
    assert chosen.digest is not None
    further = {each.digest for each in others} - {chosen.digest}
    more = f" {len(further)} more are live there, which started before." if further else ""
    why = f"It is deployed in {environment} by deployment {chosen.id}, at {chosen.locator}.{more}"
    return Baseline(_of_deployment(client, chosen), why)


def _live(client: Client, stream: str, environment: str) -> list[Deployment]:
    """The last started first."""
    try:
        return list(walk(client.list_deployments, environment=environment, at="now", stream=stream))
    except InvalidParameter as error:
        raise InvalidParameter(
            f"{shown(environment)} is nothing to compare with: name an environment of the server, '{PREVIOUS}', or a "
            f"version, as models:/churn/6. {error.message}"
        ) from None


def _stream(client: Client, subject: Subject) -> str:
    if subject.name is not None:
        return f"models:/{subject.name}"
    if subject.run_id is None:
        raise InvalidParameter(
            f"Nothing says of which model or experiment {subject.label} is, and so what of it is deployed. Compare it "
            "with a version by name, as models:/churn/6."
        )
    return f"experiments:/{client.get_run(subject.run_id).info.experiment_id}"


def _promoted(client: Client, stream: str, environment: str) -> str:
    """What the log of promotions says is there, if it says something: that nobody has reported its deployment."""
    for entry in walk(client.promotions_in_force, stream=stream, environment=environment):
        what = f"models:/{entry.name}/{entry.version}" if entry.version else f"runs:/{entry.run_id}"
        return f" (Promotion {entry.seq} let {what} in; nobody has reported that it is deployed.)"
    return ""


def _of_deployment(client: Client, deployment: Deployment) -> Subject:
    digest = deployment.digest
    assert digest is not None
    if deployment.name and deployment.version:
        with suppress(NotFound):  # its files are kept as long as it is deployed, also if it was deleted
            version = client.get_model_version(deployment.name, deployment.version)
            return Subject(
                f"models:/{deployment.name}/{deployment.version}",
                digest,
                deployment.name,
                deployment.version,
                version.run_id or None,
            )
    run_id = None
    if deployment.promotion is not None:
        run_id = client.get_promotion(deployment.promotion).run_id
    return Subject(f"mlflow-artifacts:/versions/{digest}", digest, run_id=run_id)


def _previous(client: Client, subject: Subject) -> Baseline:
    if subject.promotion is not None:
        replaced = client.get_promotion(subject.promotion).replaced
        if replaced is None:
            return Baseline(None, f"Promotion {subject.promotion} is the first to {subject.environment}.")
        before = replace(resolve(client, str(replaced), {}), promotion=None, environment=None)
        return Baseline(before, f"Promotion {subject.promotion} replaced it in {subject.environment}.")
    if subject.name is None or subject.version is None:
        raise InvalidParameter(
            f"Nothing says what was before {subject.label}: it is no version, and was not promoted. Name what to "
            "compare it with, as models:/churn/6."
        )
    for number in range(int(subject.version) - 1, 0, -1):
        try:
            found = resolve(client, f"models:/{subject.name}/{number}", {})
        except NotFound:  # it was deleted
            continue
        return Baseline(found, f"It is the version before {subject.version}.")
    return Baseline(None, f"{subject.label} is the first version of {subject.name}.")
