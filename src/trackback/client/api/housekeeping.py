"""Calls for keeping house: collections of garbage, and purges of versions. Trackback only, and for admins."""

from trackback.client.api.calls import OURS, Calls, segment
from trackback.entities import Collected, Garbage, Tally, Tombstone

GC = f"{OURS}gc"
GRACE_MS = 7 * 86_400_000


class Housekeeping(Calls):
    def collect_garbage(self, *, grace_ms: int = GRACE_MS, dry_run: bool = False) -> dict[Garbage, Tally]:
        """Clear away what was deleted longer than ``grace_ms`` ago, and bytes without a use for as long; what went.

        dry_run: change nothing, and say what would go. PermissionDenied: you are no admin.
        """
        found = dict.fromkeys(Garbage, Tally())
        cursor: str | None = ""
        while cursor is not None:
            fields = {"grace_ms": grace_ms, "dry_run": dry_run, "cursor": cursor}
            part = self._whole(Collected, "POST", GC, fields)
            for kind, tally in part.found.items():
                found[kind] += tally
            cursor = part.cursor
        return found

    def purge_model_version(self, name: str, version: str | int, reason: str) -> Tombstone:
        """Have a version's files go for good; its number, digest, params and metrics are kept.

        InvalidState: it was promoted or deployed once. NotFound: there is no such version. PermissionDenied: no admin.
        """
        return self._whole(Tombstone, "DELETE", _path(name, version), {"reason": reason})

    def get_tombstone(self, name: str, version: str | int) -> Tombstone:
        """What is left of a purged version. NotFound: it was not purged."""
        return self._whole(Tombstone, "GET", f"{_path(name, version)}/tombstone", {})


def _path(name: str, version: str | int) -> str:
    return f"{OURS}registered-models/{segment(name)}/versions/{segment(version)}"
