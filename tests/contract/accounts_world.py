"""Accounts on a storage, with passwords that are quick to check, and actors as a server would make them."""

from typing import NamedTuple

from argon2 import PasswordHasher

from trackback.entities import Actor, Role
from trackback.services.accounts import OPERATOR, Accounts
from trackback.services.experiments import Experiments
from trackback.services.identities import Identities, Identity
from trackback.services.passwords import Passwords
from trackback.services.policies import Retry, retry_nothing
from trackback.storage import Storage

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """A time in milliseconds, which passes when it is told to."""

    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


class World(NamedTuple):
    storage: Storage
    clock: Clock
    accounts: Accounts
    identities: Identities
    experiments: Experiments

    async def user(self, name: str, *roles: Role, password: str = PASSWORD) -> Actor:
        """A new user, signed in by password."""
        await self.accounts.add_user(OPERATOR, name, password=password, roles=roles)
        return await self.signed_in(name, password)

    async def signed_in(self, name: str, password: str = PASSWORD) -> Actor:
        return actor_of(await self.identities.of_password(name, password))

    async def by_token(self, secret: str) -> Actor:
        return actor_of(await self.identities.of_token(secret))

    async def granted(self, name: str, role: Role, resource: str = "") -> Actor:
        await self.accounts.grant(OPERATOR, name, role, resource)
        return await self.signed_in(name)


def actor_of(identity: Identity) -> Actor:
    return Actor(identity.user, "192.0.2.7", identity.grants, identity.token)


def make_world(storage: Storage, retry: Retry = retry_nothing) -> World:
    clock, passwords = Clock(), Passwords(QUICK)
    return World(
        storage,
        clock,
        Accounts(storage, passwords, clock, retry=retry),
        Identities(storage, passwords, clock),
        Experiments(storage, "mlflow-artifacts:/"),
    )
