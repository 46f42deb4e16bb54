"""Which of a model's files may run code where it is delivered to."""

from collections.abc import Sequence

from trackback.client.api import Client
from trackback.client.cache import sha256_of
from trackback.client.models import LocalModel
from trackback.tracking.trusted import promoted, trusted as logged_here


def vouched_files(client: Client, model: LocalModel, given: Sequence[str] | None) -> list[str]:
    """The digests of those of its files that are trusted: given ones, those that this user has logged, and all of them
    if they were promoted on a server with accounts, or if ``given`` is None.
    """
    own = {sha256_of(file) for file in model.path.rglob("*") if file.is_file()}
    if given is None:
        return sorted(own)
    named = {each.removeprefix("sha256:").lower() for each in given}
    return sorted(own & (named | logged_here().digests | promoted(client, model).digests))
