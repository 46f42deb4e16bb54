"""Passwords are kept as argon2id hashes. To check one takes much time and memory, which is what they are good for: so
it happens in threads of its own, a few at a time, and never on the event loop.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from trackback.errors import Overloaded

T = TypeVar("T")

THREADS = 2  # each takes 64 MiB while it works
WAITING = 100


class Passwords:
    """``hasher``: argon2id as RFC 9106 advises where memory is scarce, unless another is given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = _decoy(self._hasher)
        self._threads = ThreadPoolExecutor(THREADS, "argon2")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def match(self, password: str, hashed: str | None) -> bool:
        """Whether the hash is that of the password; never, and after as long, if there is none to compare with."""
        return await self._run(lambda: self._matches(password, hashed or self._decoy)) and hashed is not None

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False

    async def _run(self, function: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise Overloaded(f"{WAITING} passwords are waiting to be checked already. Repeat the request later.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._waiting -= 1


def _decoy(hasher: PasswordHasher) -> str:
    """A hash that no password has, and that takes as long to find that out as any."""
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${parameters}${salt}${digest}"
