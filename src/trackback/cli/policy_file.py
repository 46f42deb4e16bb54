"""Policies as files: how one is written to begin with, and how one is read."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackback.entities.policy_documents import PolicyDocument, read_policy
from trackback.errors import InvalidParameter
from trackback.limits import shown

if TYPE_CHECKING:
    import yaml

FIRST_POLICY = """\
# What a version must show before it enters an environment of trackback. All of this must be so; leave out what you
# don't want. Keep this file with the code that trains the model, and let CI set it:
#
#     trackback policy check policy.yaml
#     trackback policy set models:/churn production policy.yaml

# Checks that must have passed on the very files of the version. The last verdict of a name counts. CI reports it:
#
#     trackback verdict models:/churn/7 validation --passed --url https://ci.example/builds/7
verdicts:
  - name: validation
    max_age_days: 30       # without it, of any age
    # reporters: [ci]      # only the verdicts of these users count

# The same files must have been in this environment before.
after: staging

# People who must have approved, of whom none may be an author. This needs accounts (trackback server --auth):
#
#     trackback approve models:/churn/7 --for production --reason "…"
# approvals:
#   count: 1
#   role: approver         # or admin

# What must be known of it, beside its files.
metadata:
  - dataset                # its run has logged a data set
  - environment            # requirements.txt, conda.yaml or python_env.yaml beside the model, or a provenance record
  - signature              # the model says what goes into it, and what comes out
  - description            # somebody wrote what it is
"""

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))


def read_policy_file(file: str) -> PolicyDocument:
    """The policy in a file of YAML, or of JSON if its name says so; ``-`` is standard input.

    Raises InvalidParameter, which says what is wrong and where.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidParameter(f"{file} is not UTF-8.") from None
    document = _json(text, file) if file.endswith(".json") else _yaml(text, file)
    try:
        return read_policy(document)
    except InvalidParameter as error:
        raise InvalidParameter(f"{file}: {error.message}") from None


def policy_yaml(document: dict[str, Any]) -> str:
    """A policy as a file would have it."""
    import yaml  # noqa: PLC0415 - only who reads or writes YAML needs it

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True) if document else "{}\n"


def _json(text: str, file: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: dict(_distinct(pairs, file)))
    except (ValueError, RecursionError) as error:
        raise InvalidParameter(f"{file} is not JSON: {error}.") from None


def _yaml(text: str, file: str) -> object:
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """YAML takes the last of equal keys, so that a part of a policy could get lost unseen."""

        def construct_mapping(self, node: "yaml.MappingNode", deep: bool = False) -> dict[Any, Any]:
            _distinct([(self.construct_object(key, deep=True), None) for key, _ in node.value], file)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidParameter(f"{file} is not YAML: {' '.join(str(error).split())}.") from None


def _distinct(pairs: Iterable[tuple[Any, Any]], file: str) -> Iterable[tuple[Any, Any]]:
    """``pairs``, if no two have the same key."""
    seen = set()
    for key, _ in pairs:
        if shown(key) in seen:
            raise InvalidParameter(f"{file}: {shown(key)} stands there twice. Write all of it in one place.")
        seen.add(shown(key))
    return pairs
