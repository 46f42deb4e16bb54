"""Calls for what something came from, and what came from it. Trackback only."""

import msgspec

from trackback.client.api.calls import OURS, Calls, segment
from trackback.entities import AffectedModel, Impact, Provenance, Trace


class ImpactAnswer(msgspec.Struct):
    affected: int
    models: tuple[AffectedModel, ...] = ()
    unindexed: int = 0
    next_page_token: str | None = None


class Lineage(Calls):
    def trace(self, x: str) -> Trace:
        """The chain that something is part of: deployments, builds, promotions, the version, its run and all behind it.

        x: an image digest, AMI id, URL, promotion number, version (``models:/churn/7``), run id, digest, git commit …

        NotFound: it is nothing that is known.
        """
        return self._whole(Trace, "GET", f"{OURS}trace/{segment(x)}", {})

    def impact(self, *, dataset: str = "", package: str = "", commit: str = "", run: str = "") -> Impact:
        """Every version that one of these went into: a data set by digest or name, ``numpy==1.26.0``, a commit, a run.

        InvalidParameter: there is none of them, or several.
        """
        fields: dict[str, object] = {"dataset": dataset, "package": package, "commit": commit, "run": run}
        first = page = self._whole(ImpactAnswer, "GET", f"{OURS}impact", fields)
        models: dict[str, AffectedModel] = {}
        _join(models, page.models)
        while page.next_page_token:
            fields["page_token"] = page.next_page_token
            page = self._whole(ImpactAnswer, "GET", f"{OURS}impact", fields)
            _join(models, page.models)
        return Impact(first.affected, tuple(models.values()), first.unindexed)

    def get_provenance(self, run_id: str) -> Provenance:
        """What is known of what went into a run. NotFound: there is no such run."""
        return self._one("provenance", Provenance, "GET", f"{OURS}provenance", {"run_id": run_id})


def _join(models: dict[str, AffectedModel], more: tuple[AffectedModel, ...]) -> None:
    """Each model once: a page may end within one."""
    for model in more:
        if before := models.get(model.name):
            model = msgspec.structs.replace(before, versions=(*before.versions, *model.versions))
        models[model.name] = model
