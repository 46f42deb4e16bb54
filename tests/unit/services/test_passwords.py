"""Passwords as argon2id hashes."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from trackback.errors import Overloaded
from trackback.services import passwords as module
from trackback.services.passwords import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(PasswordHasher())
    yield passwords
    passwords.close()


async def test_a_hash_is_that_of_its_password_only_and_never_the_same_twice(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")

    assert hashed.startswith("$argon2id$")
    assert hashed != await passwords.hash("correct horse battery")
    assert await passwords.match("correct horse battery", hashed)
    assert not await passwords.match("correct horse batterx", hashed)


async def test_no_hash_matches_nothing_and_takes_as_long_to_find_out(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")

    async def seconds(compared: str | None) -> float:
        began = time.perf_counter()
        assert not await passwords.match("wrong", compared)
        return time.perf_counter() - began

    took = [(await seconds(None), await seconds(hashed)) for _ in range(5)]
    without, against = map(min, zip(*took, strict=True))  # a busy machine only adds to it
    assert 0.5 < without / against < 2


async def test_the_event_loop_goes_on_meanwhile(passwords: Passwords) -> None:
    checking = asyncio.create_task(passwords.hash("correct horse battery"))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns > 5


async def test_only_so_many_wait(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    checks = [asyncio.create_task(passwords.match("wrong", None)) for _ in range(3)]

    done = await asyncio.gather(*checks, return_exceptions=True)

    assert [type(each) for each in done] == [bool, bool, Overloaded]
