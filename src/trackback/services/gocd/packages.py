"""GoCD's packages: which promotions, or which runs of pull requests, the fields of one ask for."""

from collections.abc import Mapping
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, LifecycleStage
from trackback.entities.streams import experiment_stream
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, subjects
from trackback.services.promotion_rules import Environments, PromotionRule
from trackback.storage import Transaction, experiments
from trackback.storage.experiments import ExperimentRecord

EXPERIMENT = "EXPERIMENT"
TAG_NAME = "PROMOTION_TAG_NAME"
TAG_VALUE = "PROMOTION_TAG_VALUE"
MODEL = "MODEL"
ENVIRONMENT = "ENVIRONMENT"
PR_TAG = "PR_ID_TAG_NAME"
PR_DAYS = "PR_RUNS_WITHIN_DAYS"
FIELDS = (EXPERIMENT, TAG_NAME, TAG_VALUE, MODEL, ENVIRONMENT, PR_TAG, PR_DAYS)

TAG_NAME_DEFAULT = "promote"
TAG_VALUE_DEFAULT = "true"
PR_DAYS_DEFAULT = 30
PR_DAYS_MOST = 365

# Fields that mlflow-gocd had, and where what they said is said here.
_RENAMED = {
    "EXPERIMENT_ID": f"It is called {EXPERIMENT} here, and takes an id or a name.",
    "MLFLOW_URL": "It is called TRACKBACK_URL here, and stands in the repository.",
}


class Fault(NamedTuple):
    """What is wrong with a field."""

    key: str
    message: str


class Package(NamedTuple):
    """What is asked for: promotions of a model or an experiment to an environment, or runs of pull requests.

    ``tag``: the key and value that a rule of the server promotes runs by. ``pr_tag``: the tag in which runs have the id
    of their pull request; ``pr_days``: how old such a run may be.
    """

    model: str = ""
    experiment: str = ""
    environment: str = ""
    tag: tuple[str, str] | None = None
    pr_tag: str = ""
    pr_days: int = PR_DAYS_DEFAULT


class Place(NamedTuple):
    """Where a package's promotions are in the log; ``named`` is how people call the model or experiment."""

    stream: str
    environment: str
    named: str


def read_package(fields: Mapping[str, str]) -> Package:
    """Raises InvalidParameter, with all that is wrong."""
    given = _given(fields)
    if faults := _faults(given):
        raise InvalidParameter(" ".join(f"{key}: {message}" for key, message in faults))
    return Package(
        model=given.get(MODEL, ""),
        experiment=given.get(EXPERIMENT, ""),
        environment=given.get(ENVIRONMENT, ""),
        tag=_tag(given),
        pr_tag=given.get(PR_TAG, ""),
        pr_days=int(given.get(PR_DAYS, PR_DAYS_DEFAULT)),
    )


def faults_of_package(fields: Mapping[str, str]) -> list[Fault]:
    """What is wrong with the fields, whatever there is on the server."""
    return _faults(_given(fields))


def locate(tx: Transaction, actor: Actor, package: Package, environments: Environments) -> Place:
    """Where the promotions are that a package asks for. What the actor may not read is as if it were not there.

    Raises NotFound for an unknown model or experiment, InvalidParameter for an unknown environment, and for a tag by
    which no rule of the server promotes.
    """
    if package.model:
        environment = environments.check(package.environment)
        stream = subjects.resolve_stream(tx, f"models:/{package.model}", actor)
        return Place(stream, environment, f"the model {package.model}")
    experiment = find_experiment(tx, actor, package.experiment)
    named = f"the experiment {experiment.name}"
    environment = _environment(package, experiment, environments)
    return Place(experiment_stream(experiment.id), environment, named)


def find_experiment(tx: Transaction, actor: Actor, text: str) -> ExperimentRecord:
    """The active experiment of an id or a name; an id goes first."""
    limits.check_text(text, EXPERIMENT)
    number = limits.check_experiment_id(text) if text.isascii() and text.isdigit() else None
    found = experiments.find(tx, number) if number is not None else None
    return _usable(actor, found or experiments.find_by_name(tx, text), text)


def find_experiment_named(tx: Transaction, actor: Actor, name: str) -> ExperimentRecord:
    """The active experiment of a name."""
    return _usable(actor, experiments.find_by_name(tx, limits.check_text(name, EXPERIMENT)), name)


def _usable(actor: Actor, found: ExperimentRecord | None, text: str) -> ExperimentRecord:
    if found is None or not access.may_read(actor, experiment=found.id):
        raise NotFound(
            f"There is no experiment {shown(text)}, by id or by name, or {actor.name} may not read it. "
            "Give its id or its name as its page shows them."
        )
    if found.lifecycle != LifecycleStage.ACTIVE:
        raise NotFound(f"The experiment {shown(text)} was deleted. Restore it, or name another.")
    return found


def _environment(package: Package, experiment: ExperimentRecord, environments: Environments) -> str:
    wanted = environments.check(package.environment) if package.environment else ""
    if package.tag is None:
        return wanted
    rules = [rule for rule in environments.rules if rule.experiment in (None, experiment.id)]
    led_to = {rule.environment for rule in rules if (rule.key, rule.value) == package.tag}
    if wanted:
        led_to &= {wanted}
    if len(led_to) == 1:
        return led_to.pop()
    tag = "=".join(package.tag)
    if not led_to:
        where = f" to {wanted}" if wanted else ""
        known = "; ".join(map(_shown_rule, rules)) or "none at all"
        raise InvalidParameter(
            f"No rule of this server promotes runs of the experiment {experiment.id} by the tag {shown(tag)}{where}. "
            f"Its rules are: {known}. Set {TAG_NAME} and {TAG_VALUE} to those of one of them, or have an admin add one "
            "to the server's --promotion-rules."
        )
    raise InvalidParameter(
        f"The tag {shown(tag)} promotes to {', '.join(sorted(led_to))}. Set {ENVIRONMENT} to the one that is meant."
    )


def _shown_rule(rule: PromotionRule) -> str:
    return f"{rule.key}={rule.value} -> {rule.environment}"


def _given(fields: Mapping[str, str]) -> dict[str, str]:
    return {key: value.strip() for key, value in fields.items() if value.strip()}


def _tag(given: Mapping[str, str]) -> tuple[str, str] | None:
    """The tag to promote by: as given, or the default where nothing else says where promotions lead."""
    if MODEL in given or PR_TAG in given:
        return None
    if ENVIRONMENT in given and TAG_NAME not in given and TAG_VALUE not in given:
        return None
    return given.get(TAG_NAME, TAG_NAME_DEFAULT), given.get(TAG_VALUE, TAG_VALUE_DEFAULT)


def _faults(given: Mapping[str, str]) -> list[Fault]:
    faults = [
        Fault(key, _RENAMED.get(key, f"There is no such field. A package has: {', '.join(FIELDS)}."))
        for key in given
        if key not in FIELDS
    ]
    if MODEL in given:
        faults += _faults_of_model(given)
    elif EXPERIMENT not in given:
        faults.append(Fault(EXPERIMENT, f"Name an {EXPERIMENT}, whose runs are promoted, or a {MODEL}."))
    if PR_TAG in given:
        faults += _faults_of_pull_requests(given)
    elif PR_DAYS in given and MODEL not in given:
        faults.append(Fault(PR_DAYS, f"It goes with {PR_TAG}, which names the tag that has a pull request's id."))
    for key in (TAG_NAME, PR_TAG):
        if key in given and not limits.is_key(given[key]):
            faults.append(Fault(key, f"{shown(given[key])} can't be the name of a tag."))
    return faults


def _faults_of_model(given: Mapping[str, str]) -> list[Fault]:
    faults = [] if ENVIRONMENT in given else [Fault(ENVIRONMENT, f"A {MODEL} needs the {ENVIRONMENT} it is to enter.")]
    if EXPERIMENT in given:
        faults.append(Fault(EXPERIMENT, f"Name an {EXPERIMENT} or a {MODEL}, not both."))
    beside = f"It is for runs of an {EXPERIMENT}; versions of a {MODEL} are promoted to an {ENVIRONMENT}."
    return faults + [Fault(key, beside) for key in (TAG_NAME, TAG_VALUE, PR_TAG, PR_DAYS) if key in given]


def _faults_of_pull_requests(given: Mapping[str, str]) -> list[Fault]:
    apart = f"Pull requests are a package of their own: take out {PR_TAG} here, and make another package with it."
    faults = [Fault(key, apart) for key in (TAG_NAME, TAG_VALUE, ENVIRONMENT) if key in given]
    days = given.get(PR_DAYS, "1")
    if not (days.isascii() and days.isdigit() and len(days) < 5 and 1 <= int(days) <= PR_DAYS_MOST):
        faults.append(Fault(PR_DAYS, f"{shown(days)} is no number of days from 1 to {PR_DAYS_MOST}."))
    return faults
