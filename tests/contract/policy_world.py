"""Policies, verdicts and approvals over an empty storage, with people, and a clock that is told the time."""

from trackback.entities import Actor, Grants, Permission, Role, Verdict
from trackback.entities.policy_documents import read_policy
from trackback.services.approvals import Approvals
from trackback.services.judgement import DAY_MS, Judgement
from trackback.services.policies import Policies
from trackback.services.promotion_rules import Environments
from trackback.services.verdicts import Verdicts
from trackback.storage import Storage, Transaction, accounts

NOW_MS = 1_800_000_000_000
ADA, BOB, CAT, CI = (Actor(name) for name in ("ada", "bob", "cat", "ci"))


def limited(name: str, *permissions: Permission, model: int | None = None) -> Actor:
    """Somebody who may do this, everywhere or with one model, and nothing else."""
    granted = frozenset(permissions)
    return Actor(name, grants=Grants(granted) if model is None else Grants(models={model: granted}))


class PolicyWorld:
    """``retried`` holds the streams whose promotions were tried again; of a verdict's, only those of a digest."""

    def __init__(self, storage: Storage) -> None:
        environments = Environments(["staging", "production"], [])
        self.storage = storage
        self.now_ms = NOW_MS
        self.retried: list[str | None] = []
        self.policies = Policies(storage, environments, self._retry, self._clock)
        self.verdicts = Verdicts(storage, self._retry_digest, self._clock)
        self.approvals = Approvals(storage, environments, self._retry, self._clock)

    def pass_days(self, days: float) -> None:
        self.now_ms += int(days * DAY_MS)

    async def require(self, stream: str = "models:/churn", environment: str = "production", **document: object) -> None:
        """Set a policy."""
        read_policy(document)
        await self.policies.set(ADA, stream, environment, document)

    async def judge(self, subject: str = "models:/churn/1", environment: str = "production") -> Judgement:
        return await self.policies.judge(ADA, subject, environment)

    async def unmet(self, subject: str = "models:/churn/1", environment: str = "production") -> tuple[str, ...]:
        return (await self.judge(subject, environment)).unmet

    async def report(
        self, name: str = "validation", subject: str = "models:/churn/1", *, passed: bool = True, actor: Actor = CI
    ) -> Verdict:
        return await self.verdicts.report(actor, subject, name, passed=passed)

    async def add_user(self, name: str, *roles: Role, resource: str = "", disabled: bool = False) -> None:
        def operation(tx: Transaction) -> None:
            user = accounts.add_user(tx, name, service=False, password=None, created_ms=1)
            assert user
            for role in roles:
                accounts.grant(tx, user.id, role, resource)
            if disabled:
                accounts.set_disabled(tx, user.id, 1)

        await self.storage.write(operation)

    def _retry(self, tx: Transaction, stream: str | None) -> None:
        self.retried.append(stream)

    def _retry_digest(self, tx: Transaction, digest: str, stream: str | None) -> None:
        self.retried.append(f"{digest} in {stream or 'all streams'}")

    def _clock(self) -> int:
        return self.now_ms
