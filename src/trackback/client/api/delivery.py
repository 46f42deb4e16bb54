"""Calls for what CI reports: builds, and what is deployed where. Trackback only."""

from collections.abc import Sequence

from trackback.client.api.calls import OURS, Calls
from trackback.client.pages import Page
from trackback.entities import Build, BuildResult, Deployment, DeploymentKind

BUILDS = f"{OURS}builds"
DEPLOYMENTS = f"{OURS}deployments"


class Delivery(Calls):
    """Times are milliseconds since the epoch."""

    def report_build(
        self,
        *,
        promotion: int | None = None,
        system: str = "",
        pipeline: str = "",
        counter: str = "",
        stage: str = "",
        job: str = "",
        key: str = "",
        url: str = "",
        log_url: str = "",
        result: BuildResult | str | None = None,
        started: int | None = None,
        finished: int | None = None,
    ) -> Build:
        """Report a build for a promotion, or more of one that was reported: without a result, a new one is running.

        key: what it is known by; its promotion, system, pipeline, counter, stage and job, if empty.

        NotFound: there is no such promotion. InvalidParameter: a new build lacks its promotion, system or pipeline.
        Conflict: the key is another build's.
        """
        fields = {
            "promotion": promotion,
            "system": system,
            "pipeline": pipeline,
            "counter": counter,
            "stage": stage,
            "job": job,
            "key": key,
            "url": url,
            "log_url": log_url,
            "result": result,
            "started": started,
            "finished": finished,
        }
        return self._one("build", Build, "POST", BUILDS, fields)

    def update_build(
        self,
        build_id: int,
        *,
        url: str = "",
        log_url: str = "",
        result: BuildResult | str | None = None,
        started: int | None = None,
        finished: int | None = None,
    ) -> Build:
        """Report more of a build, by its number. NotFound: there is none. Errors else: those of ``report_build``."""
        fields = {"url": url, "log_url": log_url, "result": result, "started": started, "finished": finished}
        return self._one("build", Build, "PATCH", f"{BUILDS}/{build_id}", fields)

    def get_build(self, build_id: int) -> Build:
        """The build of this number. NotFound: there is none."""
        return self._one("build", Build, "GET", f"{BUILDS}/{build_id}", {})

    def list_builds(
        self,
        *,
        promotion: int | None = None,
        subject: str = "",
        url: str = "",
        key: str = "",
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Page[Build]:
        """Builds, the last reported first; ``subject`` is a version or a run whose promotions they were for."""
        fields = {
            "promotion": promotion,
            "subject": subject,
            "url": url,
            "key": key,
            "max_results": max_results,
            "page_token": page_token,
        }
        return self._page("builds", Build, "GET", BUILDS, fields)

    def report_deployment(
        self,
        kind: DeploymentKind | str,
        locator: str,
        *,
        environment: str = "",
        version: str = "",
        digest: str = "",
        promotion: int | None = None,
        build: int | None = None,
        image: str = "",
        region: str = "",
        slot: str = "",
        key: str = "",
        started: int | None = None,
        ended: int | None = None,
        replaces: Sequence[int] = (),
        replaces_previous: bool = False,
    ) -> Deployment:
        """Report that a version is live at ``locator``: an image with its digest, a URL, an AMI id, a workload's name.

        What runs there is said by a version (``models:/churn/7``), a digest, a promotion or a build. ``slot``: the
        place that a deployment takes over from another; ``replaces`` are those gone with it, ``replaces_previous`` what
        was live in its slot.

        NotFound: there is no such version, digest, promotion or build. InvalidParameter: nothing says what runs there,
        or what is said does not agree. Conflict: the key is another deployment's.
        """
        fields = {
            "kind": kind,
            "locator": locator,
            "environment": environment,
            "version": version,
            "digest": digest,
            "promotion": promotion,
            "build": build,
            "image": image,
            "region": region,
            "slot": slot,
            "key": key,
            "started": started,
            "ended": ended,
            "replaces": list(replaces),
            "replaces_previous": replaces_previous,
        }
        return self._one("deployment", Deployment, "POST", DEPLOYMENTS, fields)

    def end_deployment(self, deployment_id: int, ended: int | None = None) -> Deployment:
        """Report that a deployment is gone, now unless told otherwise. NotFound: there is none of this number."""
        return self._one("deployment", Deployment, "POST", f"{DEPLOYMENTS}/{deployment_id}/end", {"ended": ended})

    def get_deployment(self, deployment_id: int) -> Deployment:
        """The deployment of this number. NotFound: there is none."""
        return self._one("deployment", Deployment, "GET", f"{DEPLOYMENTS}/{deployment_id}", {})

    def list_deployments(
        self,
        *,
        environment: str = "",
        at: str = "",
        stream: str = "",
        version: str = "",
        digest: str = "",
        locator: str = "",
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Page[Deployment]:
        """Deployments, the last started first; ``at`` is a time, or ``now``: only what was live then.

        InvalidParameter: it is no time. NotFound: there is no such version or stream.
        """
        fields = {
            "environment": environment,
            "at": at,
            "stream": stream,
            "version": version,
            "digest": digest,
            "locator": locator,
            "max_results": max_results,
            "page_token": page_token,
        }
        return self._page("deployments", Deployment, "GET", DEPLOYMENTS, fields)
