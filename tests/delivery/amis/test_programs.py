"""Programs that make disks: what is said of one that fails."""

from typing import IO

import pytest

from trackback.delivery.ami.programs import feed
from trackback.errors import StorageFull, Unavailable


def much(file: IO[bytes]) -> None:
    """More than a pipe holds, piece by piece, as tars are written."""
    for _ in range(3000):
        file.write(bytes(1000))


def test_one_that_finds_no_room_while_it_is_fed_is_a_full_disk() -> None:
    with pytest.raises(StorageFull, match="No space left on device"):
        feed(["sh", "-c", "echo 'write: No space left on device' >&2; exit 1"], much)


def test_one_that_hangs_up_is_told_by_what_it_said() -> None:
    with pytest.raises(Unavailable, match="ended with 3:\nno such option"):
        feed(["sh", "-c", "exec <&-; echo no such option; exit 3"], much)
