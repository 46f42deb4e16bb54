"""Hashes of passwords that are soon made: those that are kept for real take a third of a second of processor time
each, and tests sign thousands of clients in. Also for a Python that runs commands in forks of itself, which imports
this by itself; the tests of the hashes themselves, and of who has to wait for them, say which they want.
"""

from functools import partial

from argon2 import PasswordHasher

from trackback.services import passwords


def hash_quickly() -> None:
    """For all that leave it to ``Passwords`` how they are hashed."""
    vars(passwords)["PasswordHasher"] = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)


if __name__ == "passwords":  # in that Python, whose folder this file is in
    hash_quickly()
