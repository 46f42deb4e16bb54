"""What a policy may say, and what is said of one that says anything else."""

import re

import pytest

from trackback.entities import Role
from trackback.entities.policy_documents import (
    Metadata,
    PolicyDocument,
    RequiredApprovals,
    RequiredVerdict,
    canonical,
    read_policy,
    requirements,
)
from trackback.errors import InvalidParameter

WHOLE = {
    "verdicts": [{"name": "validation", "max_age_days": 30, "reporters": ["ci"]}, {"name": "bias"}],
    "after": "staging",
    "approvals": {"count": 2, "role": "admin"},
    "metadata": ["dataset", "environment", "signature", "description"],
}


def test_a_policy_is_read_from_what_yaml_and_json_hold() -> None:
    assert read_policy(WHOLE) == PolicyDocument(
        verdicts=(RequiredVerdict("validation", 30, ("ci",)), RequiredVerdict("bias")),
        after="staging",
        approvals=RequiredApprovals(2, Role.ADMIN),
        metadata=tuple(Metadata),
    )


def test_everything_may_be_left_out() -> None:
    assert read_policy({}) == PolicyDocument()
    assert read_policy({"approvals": {}}).approvals == RequiredApprovals(1, Role.APPROVER)


def test_equal_policies_are_kept_equal() -> None:
    assert canonical(read_policy({"approvals": {"count": 1}, "verdicts": []})) == {"approvals": {}}
    assert canonical(read_policy(WHOLE)) == WHOLE


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"verdict": []}, "unknown field `verdict`. It may have verdicts, after, approvals, metadata"),
        ({"verdicts": [{"name": "a"}, {"nam": "b"}]}, "at 'verdicts[1]'"),
        ({"verdicts": [{"name": "a", "max_age_days": 0}]}, "at 'verdicts[0].max_age_days'"),
        ({"verdicts": [{"name": ""}]}, "at 'verdicts[0].name'"),
        ({"verdicts": [{"name": "a"}, {"name": "a"}]}, "The verdict 'a' is required twice"),
        ({"verdicts": "validation"}, "Expected `array`, got `str`, at 'verdicts'"),
        ({"after": False}, "at 'after'"),
        ({"approvals": {"count": 0}}, "at 'approvals.count'"),
        ({"approvals": {"role": "reader"}}, "The role 'reader' does not approve; write 'approver' or 'admin'"),
        ({"approvals": {"role": "boss"}}, "Invalid enum value 'boss', at 'approvals.role'"),
        ({"metadata": ["datset"]}, "Invalid enum value 'datset', at 'metadata[0]'"),
        ([], "Expected `object`, got `array`"),
        (None, "Expected `object`, got `null`"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_its_place(document: object, said: str) -> None:
    with pytest.raises(InvalidParameter, match=rf"^The policy is not valid: .*{re.escape(said)}"):
        read_policy(document)


def test_what_it_asks_for_can_be_read_by_people() -> None:
    assert requirements(read_policy(WHOLE)) == [
        "the last verdict 'validation' on these files passed, at most 30 days ago, reported by ci",
        "the last verdict 'bias' on these files passed",
        "the same files have been in staging before",
        "2 approvals by others than the author, with the role admin",
        "a data set is logged with the run",
        "the environment is captured",
        "the model has a signature",
        "it has a description",
    ]
