"""Lengths, name rules and batch sizes, and the functions that hold values to them.

The numbers are those of MLflow 3 (its ``utils/validation.py``, measured through its API), so that its clients meet
no surprise; where a number is ours, it says so. Every rule stands here once: services call these, nothing below does.
"""

import math
import posixpath
import re
import sys
from functools import lru_cache

from trackback.errors import InvalidParameter

KEY_LENGTH = 250
PARAM_VALUE_LENGTH = 6000
TAG_VALUE_LENGTH = 8000
EXPERIMENT_TAG_VALUE_LENGTH = 20_000
EXPERIMENT_NAME_LENGTH = 500
CUSTOM_VIEWS_PER_EXPERIMENT = 50
ARTIFACT_LOCATION_LENGTH = 2048
RUN_NAME_LENGTH = 250
USER_ID_LENGTH = 256
ID_LENGTH = 256  # of a run or a model that a request refers to, which need not be here
MODEL_TYPE_LENGTH = 500
LOGGED_MODEL_KEY_LENGTH = 255
LOGGED_MODEL_VALUE_LENGTH = 100_000  # ours: MLflow has none

SNAPSHOT_FILES = 100_000  # ours: a snapshot is made in one transaction
REASON_LENGTH = 5000  # ours
TREE_FILES_PER_PAGE = 10_000  # ours
TREE_FILES_PER_PAGE_DEFAULT = 1000  # ours
PROMOTIONS_PER_PAGE = 1000  # ours
PROMOTIONS_PER_PAGE_DEFAULT = 100  # ours
PROMOTIONS_WAIT_S = 60.0  # ours: what stands between a client and a server may end what takes longer
REGISTERED_MODEL_NAME_LENGTH = 256  # that of MLflow's column, which only its SQLite does not hold it to
REGISTRY_TAG_VALUE_LENGTH = 100_000
REGISTRY_DESCRIPTION_LENGTH = 100_000  # ours: MLflow's column has 5,000, and its SQLite takes any
ALIAS_LENGTH = 255
VERSION_SOURCE_LENGTH = 4096  # ours: a location of artifacts, and a path below it
RUN_LINK_LENGTH = 2048  # ours
HEARTBEAT_TIMEOUT_S = 86_400  # ours: a run that is lost should be known as such within a day

METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
ITEMS_PER_BATCH = 1000
POINTS_PER_PACK = 10_000  # ours
POINT_PACK_BYTES = 4 << 20  # ours: so many points, each under a key of its own and of MLflow's length

DATASET_NAME_LENGTH = 500
DATASET_DIGEST_LENGTH = 36
DATASET_SOURCE_LENGTH = 65_535
DATASET_SCHEMA_LENGTH = 1_048_575
DATASET_PROFILE_LENGTH = 16_777_215
INPUT_TAG_KEY_LENGTH = 255
INPUT_TAG_VALUE_LENGTH = 500
DATASETS_PER_REQUEST = 1000  # ours: MLflow has none
MODELS_PER_REQUEST = 1000  # ours
REGISTRY_TAGS_PER_REQUEST = 1000  # ours

RUNS_PER_PAGE = 50_000
RUNS_PER_PAGE_DEFAULT = 1000
COMPARED_RUNS = 500  # ours
EXPERIMENTS_PER_PAGE = 50_000
LOGGED_MODELS_PER_PAGE = 1000  # ours: MLflow has none
LOGGED_MODELS_PER_PAGE_DEFAULT = 50
REGISTERED_MODELS_PER_PAGE = 1000
REGISTERED_MODELS_PER_PAGE_DEFAULT = 100
MODEL_VERSIONS_PER_PAGE = 200_000
MODEL_VERSIONS_PER_PAGE_DEFAULT = 10_000  # ours, and what its Python client asks for: MLflow sends all 200,000
HISTORY_PER_PAGE = 1_000_000  # ours: MLflow has none, and sends everything when not asked for pages
BULK_HISTORY_RUNS = 100
BULK_HISTORY_POINTS = 25_000
INTERVAL_POINTS = 2500
DATASET_SEARCH_EXPERIMENTS = 20
DATASET_SUMMARIES = 1000
SEARCH_EXPERIMENTS = 50_000  # ours: experiments in one search of runs or logged models
SEARCH_DATASETS = 30  # ours: data sets in one search of logged models; each of its metrics asks for all of them

# Ours, all of them: what CI reports. PostgreSQL's indexes take no longer names than these.
DELIVERY_KEY_LENGTH = 500
DELIVERY_NAME_LENGTH = 250
ENVIRONMENT_LENGTH = 250
LOCATOR_LENGTH = 500
URL_LENGTH = 2000
BUILDS_PER_PAGE = 1000
BUILDS_PER_PAGE_DEFAULT = 100
DEPLOYMENTS_PER_PAGE = 1000
DEPLOYMENTS_PER_PAGE_DEFAULT = 100
AFFECTED_PER_PAGE = 1000
AFFECTED_PER_PAGE_DEFAULT = 100
TRACED_LENGTH = 2000

POLICY_LENGTH = 100_000  # ours, as those that follow: of the document, as JSON
POLICIES_PER_PAGE = 1000
POLICIES_PER_PAGE_DEFAULT = 100
VERDICT_REPORT_LENGTH = 65_536  # as JSON
VERDICT_KEY_LENGTH = 500
VERDICTS_PER_PAGE = 1000
VERDICTS_PER_PAGE_DEFAULT = 100

WEBHOOK_NAME_LENGTH = 63
WEBHOOKS = 1000  # ours, as those that follow: each of them may have to be told of a change in its transaction
WEBHOOK_DESCRIPTION_LENGTH = 5000
WEBHOOK_SECRET_LENGTH = 1000
WEBHOOK_OPTION_LENGTH = 500
WEBHOOKS_PER_PAGE = 1000
WEBHOOKS_PER_PAGE_DEFAULT = 100
WEBHOOK_DELIVERIES_PER_PAGE = 1000
WEBHOOK_DELIVERIES_PER_PAGE_DEFAULT = 100
PROMOTIONS_PER_REPLAY = 500

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
LARGEST_DOUBLE = sys.float_info.max

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_KEY = re.compile(r"[/\w.\- :]+")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_NEW_RUN_ID = re.compile(r"[0-9a-f]{32}")
_ALIAS = re.compile(r"[\w\-]+")
_WEBHOOK_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?")
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)
_LOGGED_MODEL_NAME_FORBIDDEN = frozenset("/:.%\"'")


def shown(value: object, length: int = 80) -> str:
    """``value`` as an error message quotes it: on one line, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"


def check_text(value: str, what: str) -> str:
    """Refuse what a database can't keep: NUL characters, and halves of surrogate pairs."""
    if "\x00" in value:
        raise InvalidParameter(f"Invalid value {shown(value)} for parameter '{what}' supplied: it contains a NUL.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidParameter(
                f"Invalid value {shown(value)} for parameter '{what}' supplied: it is not valid Unicode."
            ) from None
    return value


def escaped(text: str) -> str:
    """``text`` with what is no Unicode in it escaped: bytes in names of files come as halves of surrogate pairs."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def check_length(value: str, what: str, limit: int) -> str:
    if len(value) > limit:
        raise InvalidParameter(
            f"'{what}' exceeds the maximum length of {limit} characters: {shown(value)} has {len(value)}."
        )
    return check_text(value, what)


def find_sha256(text: str) -> str | None:
    """The SHA-256 in lower case, if a text is one: 64 hex digits of either case, perhaps after ``sha256:``."""
    match = _SHA256.fullmatch(text.lower()) if text.isascii() else None
    return match[1] if match else None


def is_key(key: str) -> bool:
    """Whether ``key`` may name a metric, a param or a tag."""
    return len(key) <= KEY_LENGTH and _is_well_formed(key)


@lru_cache(maxsize=65_536)  # only keys that are not too long: what is remembered has a bound in bytes, too
def _is_well_formed(key: str) -> bool:
    if not _KEY.fullmatch(key):
        return False
    return posixpath.normpath(key) == key and key != "." and not key.startswith(("..", "/"))


def check_key(key: str, what: str) -> str:
    """A key of a metric, param or tag; ``what`` is its place in the request, such as ``metrics[3].key``."""
    if not isinstance(key, str):
        raise InvalidParameter(f"Invalid value {shown(key)} for parameter '{what}' supplied: it must be a text.")
    if is_key(key):
        return key
    if not key:
        raise InvalidParameter(f"Missing value for required parameter '{what}'. It is the name; it may not be empty.")
    check_length(key, what, KEY_LENGTH)
    if not _KEY.fullmatch(key):
        raise InvalidParameter(
            f"Invalid value {shown(key)} for parameter '{what}' supplied: Names may only contain alphanumerics, "
            "underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and slashes (/)."
        )
    raise InvalidParameter(
        f"Invalid value {shown(key)} for parameter '{what}' supplied: Names may be treated as files in certain "
        "cases, and must not resolve to other names when treated as such. "
        f"This name would resolve to {shown(posixpath.normpath(key))}."
    )


def check_param_value(value: str, what: str, *, truncate: bool) -> str:
    return _fit(value, what, PARAM_VALUE_LENGTH, truncate)


def check_tag_value(value: str, what: str, *, truncate: bool) -> str:
    return _fit(value, what, TAG_VALUE_LENGTH, truncate)


def _fit(value: str, what: str, limit: int, truncate: bool) -> str:
    if len(value) <= limit:
        return check_text(value, what)
    if truncate:
        return check_text(value[:limit], what)
    return check_length(value, what, limit)


def check_experiment_name(name: str) -> str:
    if not name.strip():
        raise InvalidParameter(f"Invalid experiment name: {shown(name)}. It must not be blank.")
    return check_length(name, "name", EXPERIMENT_NAME_LENGTH)


def check_experiment_id(experiment_id: str, what: str = "experiment_id") -> int:
    """The number that an experiment id is; -1, which none has, for one of more than 64 bits."""
    digits = experiment_id.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidParameter(f"Invalid experiment ID: {shown(experiment_id)} for parameter '{what}': not a number.")
    number = int(experiment_id) if len(digits) <= 19 else -1
    return number if INT64_MIN <= number <= INT64_MAX else -1


def is_run_id(run_id: str) -> bool:
    return _RUN_ID.fullmatch(run_id) is not None


def check_run_id(run_id: str, what: str = "run_id") -> str:
    if not is_run_id(run_id):
        raise InvalidParameter(f"Invalid run ID: {shown(run_id)} for parameter '{what}'.")
    return run_id


def check_new_run_id(run_id: str) -> str:
    """An id that a client has chosen for a run: it looks as those do that servers choose."""
    if not _NEW_RUN_ID.fullmatch(run_id):
        raise InvalidParameter(
            f"Invalid run ID: {shown(run_id)} for parameter 'run_id'. Of a new run it must be 32 hex digits in lower "
            "case, such as a random UUID's; without one the server chooses it."
        )
    return run_id


def check_heartbeat_timeout(seconds: int) -> int:
    if not 1 <= seconds <= HEARTBEAT_TIMEOUT_S:
        raise InvalidParameter(
            f"Invalid value {seconds} for parameter 'timeout_s' supplied: "
            f"it must be at least 1 and at most {HEARTBEAT_TIMEOUT_S} seconds."
        )
    return seconds


def check_artifact_location(location: str) -> str:
    check_length(location, "artifact_location", ARTIFACT_LOCATION_LENGTH)
    if location.startswith("runs:"):
        raise InvalidParameter(
            f"Artifact location cannot be a runs:/ URI. Given: {shown(location)}. Name a place, such as s3://bucket/path."
        )
    for mark, name in (("?", "a query"), ("#", "a fragment"), (";", "parameters")):
        if mark in location:
            raise InvalidParameter(
                f"Invalid value {shown(location)} for parameter 'artifact_location' supplied: "
                f"it may not contain {name} ('{mark}')."
            )
    return location


def check_artifact_path(path: str) -> str:
    """The path of a file among artifacts, as clients may send it; the server is stricter."""
    if not {"", ".", ".."}.isdisjoint(check_text(path, "path").split("/")):
        raise InvalidParameter(f"Invalid path of an artifact: {shown(path)}. Name a file, such as model/MLmodel.")
    return path


def check_logged_model_name(name: str) -> str:
    check_length(name, "name", KEY_LENGTH)
    if bad := _LOGGED_MODEL_NAME_FORBIDDEN.intersection(name):
        raise InvalidParameter(
            f"Invalid model name ({shown(name)}) provided: it contains {' '.join(sorted(bad))} "
            "and cannot contain the following characters: / : . % \" '"
        )
    return name


def check_logged_model_key(key: str, what: str) -> str:
    """A key of a logged model's param or tag: MLflow takes any characters there."""
    if not key:
        raise InvalidParameter(f"Missing value for required parameter '{what}'. It is the name; it may not be empty.")
    return check_length(key, what, LOGGED_MODEL_KEY_LENGTH)


def check_registered_model_name(name: str, what: str = "name") -> str:
    if not name.strip():
        raise InvalidParameter(f"Missing value for required parameter '{what}'. A model's name is not blank.")
    if "/" in name or ":" in name:
        raise InvalidParameter(f"Invalid model name {shown(name)}. Names cannot contain '/' or ':'.")
    if name == "." or name.startswith(".."):
        raise InvalidParameter(f"Invalid value {shown(name)} for parameter '{what}' supplied: it is a path.")
    return check_length(name, what, REGISTERED_MODEL_NAME_LENGTH)


def check_alias(alias: str) -> str:
    """An alias of a version: not one that could be taken for a version's number, or for the newest version."""
    check_length(alias, "alias", ALIAS_LENGTH)
    if not _ALIAS.fullmatch(alias):
        raise InvalidParameter(
            f"Invalid alias name: {shown(alias)}. Names may only contain alphanumerics, underscores (_) and dashes (-)."
        )
    if _RESERVED_ALIAS.fullmatch(alias):
        raise InvalidParameter(
            f"Invalid alias name: {shown(alias)} is reserved: 'latest' is the newest version, and 'v' with a number "
            "that version. Choose another name."
        )
    return alias


def check_webhook_name(name: str) -> str:
    if not _WEBHOOK_NAME.fullmatch(name) or len(name) > WEBHOOK_NAME_LENGTH:
        raise InvalidParameter(
            f"Invalid webhook name {shown(name)}: it must start and end with a letter or digit, have at most "
            f"{WEBHOOK_NAME_LENGTH} characters, and only letters, digits, dots (.), underscores (_) and hyphens (-)."
        )
    return name


def check_version(version: str) -> int:
    """The number of a version, which is counted from 1; 0, which none has, for one of more than 18 digits."""
    digits = version.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidParameter(
            f"Invalid value {shown(version)} for parameter 'version' supplied: Model version must be an integer."
        )
    return int(version) if len(digits) <= 18 else 0


def check_timestamp(timestamp: int, what: str) -> int:
    if timestamp < 0:
        raise InvalidParameter(
            f"Invalid value {timestamp} for parameter '{what}' supplied: "
            "it must be nonnegative, in milliseconds since the epoch."
        )
    return check_int64(timestamp, what)


def check_int64(number: int, what: str) -> int:
    if not INT64_MIN <= number <= INT64_MAX:
        raise InvalidParameter(f"Invalid value {number} for parameter '{what}' supplied: it is no 64-bit integer.")
    return number


def check_max_results(number: int, limit: int) -> int:
    if not 1 <= number <= limit:
        raise InvalidParameter(
            f"Invalid value {number} for parameter 'max_results' supplied: it must be at least 1 and at most {limit}."
        )
    return number


def check_count(number: int, what: str, limit: int) -> None:
    if number > limit:
        raise InvalidParameter(f"A request can contain at most {limit} {what}. Got {number} {what}. Split it.")


def clamp_infinity(value: float) -> float:
    """MLflow keeps an infinity as the largest double of its sign (``sqlalchemy_store``), and so do we."""
    return math.copysign(LARGEST_DOUBLE, value) if math.isinf(value) else value
