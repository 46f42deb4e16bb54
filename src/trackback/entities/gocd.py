"""What GoCD is told of promotions: revisions of a package, as commits are those of a repository.

GoCD drops a revision string that it has seen before. So a promotion's carries its number in the log: to promote again
what was promoted before, or to roll back to it, is another revision.
"""

import re

from trackback.entities.base import Entity
from trackback.entities.promotions import Promotion

_RUN_ID_SHOWN = 8
_REVISION = re.compile(r"([1-9][0-9]{0,17})-.+")


class Revision(Entity, frozen=True, rename="camel"):
    """``timestamp`` is ISO 8601 with an offset; keys of ``data`` have letters, digits and ``_`` only."""

    revision: str
    timestamp: str
    user: str
    revision_comment: str
    trackback_url: str
    data: dict[str, str]


def revision_of(promotion: Promotion) -> str:
    """``12-v7`` of promotion 12, of version 7 of a model; ``12-1f2e3d4c`` of a run's. Both may name an image, too."""
    what = f"v{promotion.version}" if promotion.version else (promotion.run_id or "")[:_RUN_ID_SHOWN]
    return f"{promotion.seq}-{what}"


def promotion_number(revision: str) -> int | None:
    """The number of the promotion that a revision is; None if it is none of ours."""
    match = _REVISION.fullmatch(revision)
    return int(match[1]) if match else None
