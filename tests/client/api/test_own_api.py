"""What trackback has beyond MLflow's protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers.accounts import PASSWORD, guarded_server
from trackback.client.api import Client, walk
from trackback.client.transport import Transport
from trackback.entities import (
    BuildResult,
    DeploymentKind,
    Garbage,
    ModelVersion,
    PendingPromotion,
    Promotion,
    PromotionKind,
    ProvenanceOrigin,
    Role,
    TraceKind,
)
from trackback.errors import InvalidState, NotFound, PermissionDenied, Unauthenticated


class Registered(NamedTuple):
    """A version of a model of its own."""

    version: ModelVersion
    subject: str
    stream: str
    digest: str
    run_id: str


@pytest.fixture
def registered(client: Client, name: str) -> Registered:
    return register(client, name)


def register(client: Client, name: str) -> Registered:
    info = client.create_run(client.create_experiment(name)).info
    client.upload_file(f"{info.artifact_uri.removeprefix('mlflow-artifacts:/')}/model/MLmodel", name.encode())
    client.create_registered_model(name)
    version = client.create_model_version(name, f"runs:/{info.run_id}/model")
    assert version.digest
    return Registered(version, f"models:/{name}/1", f"models:/{name}", version.digest, info.run_id)


class TestPromotions:
    def test_a_version_enters_leaves_and_comes_back(self, client: Client, registered: Registered) -> None:
        entered = client.promote(registered.subject, "staging", reason="looks good")
        assert isinstance(entered, Promotion)
        assert (entered.kind, entered.digest, entered.reason) == (
            PromotionKind.PROMOTED,
            registered.digest,
            "looks good",
        )
        assert client.promote(registered.subject, "staging") == entered
        assert client.get_promotion(entered.seq) == entered
        assert client.promotions_in_force(stream=registered.stream).items == (entered,)
        left = client.demote(registered.stream, "staging")
        assert client.promotions_in_force(stream=registered.stream).items == ()
        back = client.roll_back(registered.stream, "staging")
        page = client.read_promotions(stream=registered.stream, max_results=2)
        assert (page.promotions, page.cursor) == ((entered, left), left.seq)
        assert list(client.walk_promotions(stream=registered.stream)) == [entered, left, back]

    def test_the_log_is_followed_as_it_grows(self, client: Client, registered: Registered) -> None:
        entered = client.promote(registered.subject, "staging")
        log = client.follow_promotions(stream=registered.stream)
        assert next(log) == (entered,)
        left = client.demote(registered.stream, "staging")
        assert next(log) == (left,)

    def test_what_a_policy_holds_back_waits(self, client: Client, registered: Registered) -> None:
        client.set_policy(registered.stream, "production", {"verdicts": [{"name": "validation"}]})
        with pytest.raises(InvalidState, match="validation"):
            client.promote(registered.subject, "production")
        waiting = client.promote(registered.subject, "production", pending=True)
        assert isinstance(waiting, PendingPromotion)
        assert client.list_pending_promotions(registered.stream).items == (waiting,)
        client.withdraw_pending_promotion(waiting.id)
        assert client.list_pending_promotions(registered.stream).items == ()
        overridden = client.promote(registered.subject, "production", override=True, reason="now")
        assert isinstance(overridden, Promotion)
        assert overridden.overridden


class TestPolicies:
    def test_one_is_set_revised_judged_by_and_removed(self, client: Client, registered: Registered) -> None:
        first = client.set_policy(registered.stream, "production", {"verdicts": [{"name": "a"}]})
        second = client.set_policy(registered.stream, "production", {"verdicts": [{"name": "b"}]})
        assert client.get_policy(registered.stream, "production") == second
        assert list(client.list_policies(registered.stream)) == [second]
        assert list(walk(client.list_policy_revisions, registered.stream, "production", 1)) == [second, first]
        judgement = client.judge(registered.subject, "production")
        assert len(judgement.unmet) == 1
        assert "b" in judgement.unmet[0]
        assert client.remove_policy(registered.stream, "production").removed
        with pytest.raises(NotFound):
            client.get_policy(registered.stream, "production")

    def test_verdicts_are_reported_once_a_key_and_listed(self, client: Client, registered: Registered) -> None:
        verdict = client.report_verdict(registered.subject, "validation", True, report={"auc": 0.9}, key="build 1")
        again = client.report_verdict(registered.subject, "validation", True, report={"auc": 0.9}, key="build 1")
        assert again == verdict
        failed = client.report_verdict(registered.digest, "validation", False)
        assert list(walk(client.list_verdicts, registered.subject, "validation", 1)) == [failed, verdict]


class TestDelivery:
    def test_builds_and_deployments_are_reported_and_found(self, client: Client, registered: Registered) -> None:
        seq = client.promote(registered.subject, "staging")
        assert isinstance(seq, Promotion)
        build = client.report_build(promotion=seq.seq, system="gocd", pipeline="churn", counter="4")
        assert build.result is BuildResult.RUNNING
        passed = client.update_build(build.id, result="passed")
        assert client.get_build(build.id) == passed
        assert list(client.list_builds(promotion=seq.seq)) == [passed]

        locator = f"http://churn.example/{seq.seq}"
        live = client.report_deployment("endpoint", locator, build=build.id)
        assert (live.kind, live.digest, live.promotion) == (DeploymentKind.ENDPOINT, registered.digest, seq.seq)
        assert list(client.list_deployments(at="now", stream=registered.stream)) == [live]
        ended = client.end_deployment(live.id)
        assert client.get_deployment(live.id) == ended
        assert list(client.list_deployments(at="now", stream=registered.stream)) == []

        trace = client.trace(locator)
        assert (trace.kind, trace.run.run_id if trace.run else None) == (TraceKind.DEPLOYMENT, registered.run_id)
        assert client.trace(registered.subject).version == client.get_model_version(registered.version.name, 1)


class TestLineage:
    def test_what_a_run_went_into_comes_whole(self, client: Client, registered: Registered) -> None:
        impact = client.impact(run=registered.run_id)
        assert (impact.affected, [model.name for model in impact.models]) == (1, [registered.version.name])
        assert [version.version for version in impact.models[0].versions] == ["1"]

    def test_what_is_known_of_a_run(self, client: Client, registered: Registered) -> None:
        assert client.get_provenance(registered.run_id).origin is ProvenanceOrigin.DERIVED


class TestHousekeeping:
    def test_a_purged_version_leaves_a_tombstone(self, client: Client, registered: Registered) -> None:
        stone = client.purge_model_version(registered.version.name, 1, "asked to")
        assert (stone.digest, stone.reason) == (registered.digest, "asked to")
        assert client.get_tombstone(registered.version.name, 1) == stone

    def test_garbage_is_counted(self, client: Client) -> None:
        client.delete_run(client.create_run("0").info.run_id)
        assert client.collect_garbage(grace_ms=0, dry_run=True)[Garbage.RUNS].count >= 1


class TestWebhooks:
    def test_one_for_promotions_is_in_the_whole_list_only(self, client: Client, name: str) -> None:
        url = "https://93.184.215.14/hook"
        made = client.create_webhook(name.replace(" ", "-"), url, ["promotion.created"], environment="staging")
        assert made not in list(client.list_webhooks())
        assert made in list(client.list_webhooks(promotions=True))
        changed = client.update_webhook(made.webhook_id, environment="production")
        assert changed.environment == "production"
        assert list(client.list_webhook_deliveries(made.webhook_id, "failed")) == []
        assert client.replay_webhook(made.webhook_id, 2**40) == (0, None)
        with pytest.raises(NotFound):
            client.get_webhook_delivery(made.webhook_id, "0")
        with pytest.raises(NotFound):
            client.replay_webhook_delivery(made.webhook_id, "0")
        client.delete_webhook(made.webhook_id)


class TestAccounts:
    @pytest.fixture
    def root(self, migrated_uri: str, tmp_path: Path) -> Iterator[Client]:
        """An admin of a server that knows who asks."""
        with (
            guarded_server(migrated_uri, tmp_path) as server,
            Client(transport=Transport(server.url, username="root", password=PASSWORD)) as client,
        ):
            yield client

    def test_users_roles_and_tokens_are_given_and_taken(self, root: Client) -> None:
        assert root.get_myself().name == "root"
        root.add_user("ci", service=True)
        made = root.create_token("tests", user="ci", scopes=[Role.WRITER], days=1)
        assert list(root.list_tokens("ci")) == [made.token]
        root.grant_role("ci", "writer")
        assert [grant.role for grant in root.list_grants("ci")] == [Role.WRITER]
        assert {user.name for user in walk(root.list_users, 1)} == {"root", "ci"}
        with Client(root.tracking_uri, token=made.secret) as ci:
            ci.create_experiment("by ci")
            with pytest.raises(PermissionDenied):
                list(ci.list_users())
            root.disable_user("ci")
            with pytest.raises(Unauthenticated):
                ci.get_myself()
            assert root.enable_user("ci").disabled is None
            root.revoke_token(made.token.id)
            with pytest.raises(Unauthenticated):
                ci.get_myself()
        root.revoke_role("ci", "writer")
        actions = [entry.action for entry in walk(root.search_audit, object="users/ci", max_results=2)]
        assert "role.revoke" in actions

    def test_a_password_is_changed_by_whoever_has_it(self, root: Client) -> None:
        root.add_user("ann", password=PASSWORD)
        with Client(transport=Transport(root.tracking_uri, username="ann", password=PASSWORD)) as ann:
            ann.set_password("ann", f"{PASSWORD} 2", PASSWORD)
            with pytest.raises(Unauthenticated):
                ann.get_myself()

    def test_approvals_are_given_by_others_and_withdrawn(self, root: Client, name: str) -> None:
        registered = register(root, name)
        with pytest.raises(PermissionDenied):
            root.approve(registered.subject, "production")
        root.add_user("ann", password=PASSWORD, roles=[Role.APPROVER, Role.READER])
        with Client(transport=Transport(root.tracking_uri, username="ann", password=PASSWORD)) as ann:
            approval = ann.approve(registered.subject, "production", reason="seen")
            assert root.list_approvals(registered.subject) == (approval,)
            ann.withdraw_approval(registered.subject, "production")
        assert root.list_approvals(registered.subject, "production") == ()
