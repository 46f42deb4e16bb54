"""Policies as files: the first one, and what is said of those that are not one."""

import re
from pathlib import Path

import pytest

from trackback.cli.policy_file import FIRST_POLICY, policy_yaml, read_policy_file
from trackback.entities.policy_documents import Metadata, RequiredVerdict, canonical
from trackback.errors import InvalidParameter


def written(folder: Path, text: str, name: str = "policy.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_first_policy_is_one(tmp_path: Path) -> None:
    policy = read_policy_file(written(tmp_path, FIRST_POLICY))
    assert policy.verdicts == (RequiredVerdict("validation", 30),)
    assert (policy.after, policy.approvals, policy.metadata) == ("staging", None, tuple(Metadata))


def test_its_approvals_are_ready_to_be_uncommented(tmp_path: Path) -> None:
    text = re.sub(r"^# (approvals:|  count:|  role:)", r"\1", FIRST_POLICY, flags=re.MULTILINE)
    assert read_policy_file(written(tmp_path, text)).approvals is not None


def test_json_is_taken_too_and_a_policy_is_written_as_it_is_read(tmp_path: Path) -> None:
    policy = read_policy_file(written(tmp_path, '{"after": "staging", "approvals": {}}', "policy.json"))
    assert read_policy_file(written(tmp_path, policy_yaml(canonical(policy)))) == policy
    assert read_policy_file(written(tmp_path, policy_yaml({}))) == read_policy_file(written(tmp_path, "{}"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("policy.yaml", "verdicts: [", "policy.yaml is not YAML: "),
        ("policy.yaml", "? [a]\n: 1", "policy.yaml is not YAML: "),
        ("policy.yaml", "", "Expected `object`, got `null`"),
        ("policy.yaml", "verdicts:\n- name: a\n  nmae: b", "unknown field `nmae`, at 'verdicts[0]'"),
        ("policy.yaml", "after: staging\nafter: qa", "'after' stands there twice"),
        ("policy.yaml", "verdicts:\n- name: a\n  name: b", "'name' stands there twice"),
        ("policy.json", "after: staging", "policy.json is not JSON: "),
        ("policy.json", '{"after": "a", "after": "b"}', "'after' stands there twice"),
    ],
)
def test_what_is_no_policy_is_said_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidParameter, match=re.escape(said)):
        read_policy_file(written(tmp_path, text, name))


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidParameter, match=r"policy\.yaml is not UTF-8"):
        read_policy_file(str(tmp_path / "policy.yaml"))
