"""How guessing passwords is slowed down."""

import pytest

from trackback.errors import Overloaded
from trackback.services import attempts as module
from trackback.services.attempts import FREE, LONGEST_WAIT_S, Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(attempts: Attempts, times: int, name: str = "ann", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        attempts.begin(name, address)


def test_after_some_failures_one_has_to_wait_ever_longer(attempts: Attempts, clock: Clock) -> None:
    fail(attempts, FREE)
    waits = []
    for _ in range(8):
        began = clock.now
        while True:
            try:
                attempts.begin("ann", "192.0.2.1")
                break
            except Overloaded:
                clock.now += 0.25
        waits.append(clock.now - began)

    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_many_attempts_at_once_are_slowed_like_one_after_another(attempts: Attempts) -> None:
    begun = 0
    for _ in range(1000):
        try:
            attempts.begin("ann", "192.0.2.1")
            begun += 1
        except Overloaded:
            pass

    assert begun == FREE


def test_to_try_while_one_has_to_wait_makes_it_no_longer(attempts: Attempts, clock: Clock) -> None:
    fail(attempts, FREE)
    for _ in range(50):
        with pytest.raises(Overloaded, match="Try again in 1 s"):
            attempts.begin("ann", "192.0.2.1")
    clock.now += 1

    attempts.begin("ann", "192.0.2.1")


def test_other_users_and_other_addresses_do_not_have_to_wait(attempts: Attempts) -> None:
    fail(attempts, FREE)

    fail(attempts, 1, name="bob")
    fail(attempts, 1, address="192.0.2.2")


def test_a_right_password_makes_failures_forgotten_and_so_does_time(attempts: Attempts, clock: Clock) -> None:
    fail(attempts, FREE - 1)
    attempts.begin("ann", "192.0.2.1")
    attempts.succeed("ann", "192.0.2.1")
    fail(attempts, FREE)
    clock.now += module.FORGOTTEN_S + 1
    fail(attempts, FREE)

    with pytest.raises(Overloaded):
        attempts.begin("ann", "192.0.2.1")


def test_what_is_remembered_has_a_bound(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 100)
    for number in range(1000):
        fail(attempts, 1, name=f"user {number}")

    assert len(attempts._failures) == 100
