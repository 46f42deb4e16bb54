"""Slots: places on this machine where one release takes over from another.

<folder>/live.json        the release that is live, and whether the server was told
<folder>/models/<digest>/ the files of models
<folder>/r7.json          a release, and how its server is started
<folder>/r7.sock          where that server can be tried; r7.sock.open, while it is to take requests
<folder>/r7.log           what it says, where systemd does not keep that
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from trackback.client.file_locks import hold
from trackback.delivery.written import unwritable, write_whole
from trackback.errors import ConfigurationError, DataLoss, InvalidParameter
from trackback.limits import shown
from trackback.scoring.turns import open_file

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,60}[a-z0-9])?")
_RELEASE = re.compile(r"r(\d+)\.json")
_LONGEST_SOCKET = 100  # of 108 bytes that Linux has for the path of a Unix socket


class Release(msgspec.Struct, frozen=True):
    """A server that is, was or is to be live.

    id: ``r7``, the seventh of its slot. model: what people call what it serves. command: how its server is started,
    where ``{fd}`` stands for the listening socket's descriptor. settings: a digest of all that makes it differ from
    another one of the same model.
    """

    id: str
    model: str
    digest: str
    command: tuple[str, ...]
    settings: str
    promotion: int | None = None


class Live(msgspec.Struct, frozen=True):
    """What is live. ``deployment`` is its number in the server's record; None as long as the server was not told.

    report: the fields of what the server is to be told.
    """

    release: Release
    url: str
    started_ms: int
    report: dict[str, str | int | bool | None]
    deployment: int | None = None


class Slot:
    """``folder`` is made when something is kept in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.name = folder.name

    def prepare(self) -> None:
        """InvalidParameter: the folder can't be made. ConfigurationError: its path is too long for sockets in it."""
        if len(os.fsencode(self.socket("r99999"))) > _LONGEST_SOCKET:
            raise ConfigurationError(
                f"The path {self.folder} is too long for a socket to be in it. Name a shorter one: --state."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else deploys to the slot for as long as the ``with`` lasts; another one waits."""
        with (self.folder / "lock").open("wb") as lock:
            hold(lock)
            yield

    def live(self) -> Live | None:
        """What is live by the journal. DataLoss: it can't be read."""
        path = self.folder / "live.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Live)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise DataLoss(
                f"{path} says what is live, and can't be read: {error}. Remove it to deploy as if nothing were live."
            ) from error

    def keep_live(self, live: Live) -> None:
        write_whole(self.folder / "live.json", msgspec.json.encode(live))

    def forget_live(self) -> None:
        (self.folder / "live.json").unlink(missing_ok=True)

    def releases(self) -> list[str]:
        """Those that there are files of."""
        return [
            each.name.removesuffix(".json") for each in self.folder.glob("r*.json") if _RELEASE.fullmatch(each.name)
        ]

    def next_id(self) -> str:
        """Of a release that there was none of: one above all that there are files of, and the live one."""
        numbers = [int(each.removeprefix("r")) for each in self.releases()]
        with suppress(DataLoss):
            if live := self.live():
                numbers.append(int(live.release.id.removeprefix("r")))
        return f"r{max(numbers, default=0) + 1}"

    def keep(self, release: Release) -> None:
        write_whole(self.folder / f"{release.id}.json", msgspec.json.encode(release))

    def socket(self, release_id: str) -> Path:
        return self.folder / f"{release_id}.sock"

    def marker(self, release_id: str) -> Path:
        """The file by which a release's server takes requests."""
        return open_file(self.socket(release_id))

    def log(self, release_id: str) -> Path:
        return self.folder / f"{release_id}.log"

    def model(self, digest: str) -> Path:
        return self.folder / "models" / digest

    def forget(self, release_id: str) -> None:
        """Remove the files of a release that does not run; its log stays, until ten others have come."""
        for path in (self.marker(release_id), self.socket(release_id), self.folder / f"{release_id}.json"):
            path.unlink(missing_ok=True)
        for old in sorted(self.folder.glob("r*.log"), key=lambda each: each.stat().st_mtime)[:-10]:
            old.unlink(missing_ok=True)

    def prune_models(self, keep: set[str]) -> None:
        """Remove the files of models that no release needs."""
        for folder in (self.folder / "models").glob("*"):
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)


def check_slot_name(name: str) -> str:
    """InvalidParameter: it can't be the name of a folder, a unit and a workload alike."""
    if not _NAME.fullmatch(name):
        raise InvalidParameter(
            f"{shown(name)} can't name a slot: it takes small letters, digits, '-', '_' and '.', at most 62. Name one "
            "by --slot."
        )
    return name


def slot_name(model: str, environment: str) -> str:
    """What a slot is called, if nobody says: the model and the environment, as far as names may be."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{model}-{environment}".lower()).strip("-")
    if plain and len(plain) <= 50 and plain == f"{model}-{environment}":
        return plain
    return f"{plain[:40].strip('-') or 'model'}-{hashlib.sha256(f'{model}/{environment}'.encode()).hexdigest()[:8]}"


def settings_digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
