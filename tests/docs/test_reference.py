"""The reference says what is so: options, routes, error codes, limits, and the fields of the filter language."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, blocks, quoted, section, tables
from trackback import limits
from trackback.artifacts.paths import PATH_LENGTH
from trackback.cli.main import commands
from trackback.errors import ConfigurationError, TrackbackError
from trackback.search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Kind,
    Target,
    domains,
    lexer,
    order,
    parse_filter,
    parser,
)
from trackback.server.mlflow import ROUTES
from trackback.server.observation import RequestStatistics
from trackback.server.probes import probe_routes
from trackback.server.ui import ROUTES as PAGES

SERVER = ROOT / "docs" / "reference" / "server.md"
COMMANDS = ROOT / "docs" / "reference" / "commands.md"
HTTP = ROOT / "docs" / "reference" / "http.md"
SEARCH = ROOT / "docs" / "reference" / "search.md"

Option = tuple[str, str, str]


def options_in_help(*command: str) -> set[Option]:
    """Flag, variable and default of each option of a command, as its --help has them."""
    text = CliRunner().invoke(commands, [*command, "--help"], catch_exceptions=False).output
    found = set()
    for option in re.split(r"^  (?=-)", text, flags=re.MULTILINE)[1:]:
        line = " ".join(option.split())
        if variable := re.search(r"\[env var: (\w+)", line):
            default = re.search(r"default: ([^;\]]+)", line)
            found.add((line.split()[0], variable[1], default[1] if default else ""))
    return found


def options_in_reference(heading: str) -> set[Option]:
    (rows,) = tables(SERVER, heading)
    return {(quoted(flag)[0], quoted(variable)[0], "".join(quoted(default))) for flag, variable, default, _ in rows}


@pytest.mark.parametrize(
    ("command", "heading"),
    [
        (["server"], "## Options of `trackback server`"),
        (["db", "upgrade"], "## Options of `trackback db`"),
        (["db", "check"], "## Options of `trackback db`"),
    ],
    ids=str,
)
def test_each_option_is_there_with_its_variable_and_default(command: list[str], heading: str) -> None:
    in_help = options_in_help(*command)

    assert in_help
    assert options_in_reference(heading) == in_help


def test_each_command_is_named_and_no_other() -> None:
    (rows,) = tables(COMMANDS, "# Commands")

    assert sorted(quoted(name)[0].removeprefix("trackback ") for name, *_ in rows) == sorted(
        commands.list_commands(click.Context(commands))
    )


def calls_served() -> Iterator[str]:
    """MLflow's routes as the reference names them: once, and without the prefix that most of them have."""
    for route in ROUTES:
        if not route.path.startswith("/ajax-api/") or route.path.replace("/ajax-api/", "/api/") not in paths_served():
            yield f"{route.method} {route.path.replace(':path}', '}').removeprefix('/api/2.0/mlflow/')}"


def paths_served() -> set[str]:
    return {route.path for route in ROUTES}


def calls_named() -> Iterator[str]:
    headings = re.findall(r"^## .+$", HTTP.read_text(), re.MULTILINE)
    for rows in (rows for heading in headings for rows in tables(HTTP, heading)):
        yield from (call for cells in rows for call in quoted(cells[0]) if re.match(r"[A-Z]+ \S", call))


def test_each_route_of_mlflows_is_named_and_no_other() -> None:
    assert sorted(calls_named()) == sorted(calls_served())


def test_each_probe_is_described() -> None:
    described = re.findall(r"^`(/\w+)`", SERVER.read_text(), re.MULTILINE)

    assert set(described) == {route.path for route in probe_routes({}, RequestStatistics(), lambda: 0)}


def test_each_page_is_of_a_family_that_is_named() -> None:
    named = {path.split("/")[1] for path in quoted(section(HTTP, "## Pages and probes")) if path.startswith("/")}

    assert {route.path.split("/")[1] for route in PAGES} <= named


def kinds_of_error(error: type[TrackbackError] = TrackbackError) -> Iterator[type[TrackbackError]]:
    """All that may reach a client."""
    if error is not ConfigurationError:
        yield error
        for kind in error.__subclasses__():
            yield from kinds_of_error(kind)


def test_each_error_code_is_there_with_its_status() -> None:
    (rows,) = tables(HTTP, "## Errors")

    assert {(int(status), *quoted(code)) for status, code, _ in rows} == {
        (error.status, error.code) for error in kinds_of_error()
    }


LIMITS = {
    "Key of a metric, param or tag": limits.KEY_LENGTH,
    "Value of a param": limits.PARAM_VALUE_LENGTH,
    "Value of a run's tag": limits.TAG_VALUE_LENGTH,
    "Value of an experiment's tag": limits.EXPERIMENT_TAG_VALUE_LENGTH,
    "Name of an experiment": limits.EXPERIMENT_NAME_LENGTH,
    "Name of a run": limits.RUN_NAME_LENGTH,
    "User id of a run": limits.USER_ID_LENGTH,
    "Timeout of a heartbeat": limits.HEARTBEAT_TIMEOUT_S,
    "Artifact location": limits.ARTIFACT_LOCATION_LENGTH,
    "Metrics in a batch": limits.METRICS_PER_BATCH,
    "Points in a pack": limits.POINTS_PER_PACK,
    "Params in a batch": limits.PARAMS_PER_BATCH,
    "Tags in a batch": limits.TAGS_PER_BATCH,
    "Items in a batch": limits.ITEMS_PER_BATCH,
    "Runs on a page": limits.RUNS_PER_PAGE,
    "Experiments on a page": limits.EXPERIMENTS_PER_PAGE,
    "Logged models on a page": limits.LOGGED_MODELS_PER_PAGE,
    "Registered models on a page": limits.REGISTERED_MODELS_PER_PAGE,
    "Model versions on a page": limits.MODEL_VERSIONS_PER_PAGE,
    "Points on a page of a history": limits.HISTORY_PER_PAGE,
    "Experiments in one search of runs or models": limits.SEARCH_EXPERIMENTS,
    "Runs in one bulk history": limits.BULK_HISTORY_RUNS,
    "Key of a logged model's param or tag": limits.LOGGED_MODEL_KEY_LENGTH,
    "Value of a logged model's param or tag": limits.LOGGED_MODEL_VALUE_LENGTH,
    "Name of a registered model": limits.REGISTERED_MODEL_NAME_LENGTH,
    "Alias of a model version": limits.ALIAS_LENGTH,
    "Value of a tag of a registered model or version": limits.REGISTRY_TAG_VALUE_LENGTH,
    "Description of a registered model or version": limits.REGISTRY_DESCRIPTION_LENGTH,
    "Source of a model version": limits.VERSION_SOURCE_LENGTH,
    "Name of a data set": limits.DATASET_NAME_LENGTH,
    "Digest of a data set": limits.DATASET_DIGEST_LENGTH,
    "Data sets in one request": limits.DATASETS_PER_REQUEST,
    "Custom views (tags) of an experiment": limits.CUSTOM_VIEWS_PER_EXPERIMENT,
    "Name of a webhook": limits.WEBHOOK_NAME_LENGTH,
    "Webhooks": limits.WEBHOOKS,
    "Webhooks on a page": limits.WEBHOOKS_PER_PAGE,
    "Path of an artifact": PATH_LENGTH,
}
SEARCH_LIMITS = {
    "Characters of a filter or an order": lexer.MAX_LENGTH,
    "Words and signs": lexer.MAX_TOKENS,
    "Comparisons": parser.MAX_TERMS,
    "Values in lists, all together": parser.MAX_VALUES,
    "Parentheses within each other": parser.MAX_DEPTH,
    "Characters of a `LIKE` pattern": domains.PATTERN_LENGTH,
    "Fields of an order": order.MAX_ORDERS,
}


@pytest.mark.parametrize(("page", "known"), [(HTTP, LIMITS), (SEARCH, SEARCH_LIMITS)], ids=["http", "search"])
def test_each_limit_has_its_number(page: Path, known: dict[str, int]) -> None:
    (rows,) = tables(page, "## Limits")

    assert {what: int(re.sub(r"\D.*", "", most.replace(",", ""))) for what, most in rows} == known


TARGETS = {
    "### Runs": RUNS,
    "### Experiments": EXPERIMENTS,
    "### Logged models": LOGGED_MODELS,
    "### Registered models": REGISTERED_MODELS,
    "### Model versions": MODEL_VERSIONS,
}
KINDS = {
    "text": domains.TEXT,
    "key and text": domains.KEYED_TEXT,
    "number": domains.NUMBER,
    "metric": domains.METRIC,
    "version": domains.VERSION_NUMBER,
    "id": domains.EXPERIMENT_ID,
    "status": domains.MODEL_STATUS,
}


def test_each_kind_of_value_has_its_operators() -> None:
    kinds, *_ = tables(SEARCH, "## Fields")
    operators: dict[str, list[str]] = {}
    for names, text in kinds:
        based_on = re.match(r"those of an? (\w+),", text)
        for name in names.split(", "):
            operators[name] = [*(operators[based_on[1]] if based_on else ()), *quoted(text)]

    assert operators == {name: list(map(str, domain.operators)) for name, domain in KINDS.items()}


@pytest.mark.parametrize(("heading", "target"), TARGETS.items(), ids=[target.name for target in TARGETS.values()])
def test_each_field_is_there_with_its_other_names_and_its_kind(heading: str, target: Target) -> None:
    (rows,) = tables(SEARCH, heading)
    fixed = {quoted(name)[0]: (quoted(others), kind) for name, others, kind in rows if "<key>" not in name}
    free = {quoted(name)[0] for name, _, _ in rows if "<key>" in name}
    known = {}
    for kind, names in target.fixed.items():
        prefix = "" if kind is Kind.ATTRIBUTE else f"{kind}s."
        for attribute in names.values():
            known[prefix + attribute.name] = (list(attribute.aliases), attribute.domain)

    assert {name: (others, KINDS[kind]) for name, (others, kind) in fixed.items()} == known
    assert free == {f"{kind}s.<key>" for kind in target.free}


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_each_example_of_a_filter_can_be_read(target: Target) -> None:
    for block in blocks(SEARCH, f"filter_{target.name}s"):
        for line in block.text.splitlines():
            assert parse_filter(line, target) is not None
