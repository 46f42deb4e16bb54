"""The stage that makes an image of a model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trackback.client.api import Client
from trackback.delivery.images.build import Image, Recipe, build_image
from trackback.delivery.images.pushes import find_engine, load_image, push_image
from trackback.delivery.images.references import Reference
from trackback.delivery.record import Record, recorded
from trackback.delivery.subject import Subject
from trackback.delivery.vouched import vouched_files
from trackback.entities import Deployment, DeploymentKind


@dataclass(frozen=True)
class Made:
    """What the stage has made. ``deployment`` is the record of it; None where no environment is known.

    loaded: by which tool's storage it is known, if it was to be.
    """

    subject: Subject
    image: Image
    reference: Reference
    pushed: bool
    loaded: str | None
    deployment: Deployment | None

    @property
    def locator(self) -> str:
        return self.reference.at(self.image.digest)

    def document(self) -> dict[str, Any]:
        image = self.image
        return {
            **self.subject.document(),
            "image": self.locator,
            "image_digest": image.digest,
            "tag": str(self.reference),
            "layout": str(image.layout.folder),
            "pushed": self.pushed,
            "loaded": self.loaded,
            "deployment": self.deployment.id if self.deployment else None,
            "base": {"name": image.base.name, "digest": image.base.digest},
            "python": image.python.version,
            "architecture": image.python.architecture,
            "labels": dict(image.labels),
            "size": {each.name: {"packed": each.packed, "unpacked": each.unpacked} for each in image.parts},
            "packages": [each.requirement for each in image.packages],
            "tried": image.trial is not None,
            "load_s": round(image.trial.load_s, 3) if image.trial else None,
        }


def make_image(
    client: Client,
    subject: Subject,
    recipe: Recipe,
    *,
    trust: Sequence[str] | None = (),
    push: bool = False,
    load: bool = False,
    engine: str | None = None,
    environment: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Made:
    """Make the image of a subject, push or load it where that is wanted, and tell the server.

    trust: digests of files that may run code, beside those that this user has logged and those that were promoted on a
    server with accounts; None for any. environment: where it is meant for, if no promotion says so.

    Errors: those of ``build_image``, ``push_image`` and ``load_image``.
    """
    chosen = find_engine(engine) if load else None
    reference = recipe.tag.tagged(subject.version or subject.digest[:12])
    recipe = Recipe(**{**vars(recipe), "tag": reference})
    created_ms = _created(client, subject)
    with recorded(client, subject, "image", {"tag": str(reference), "base": recipe.base}) as record:
        model = subject.fetch(client)
        image = build_image(recipe, subject, model, vouched_files(client, model, trust), created_ms, say)
        if push:
            push_image(image, reference, say)
        if chosen:
            load_image(image, reference, chosen)
        deployment = _keep(record, subject, reference.at(image.digest), environment)
        record.passed = True
    return Made(subject, image, reference, push, chosen, deployment)


def _created(client: Client, subject: Subject) -> int | None:
    if subject.name is None or subject.version is None:
        return None
    return client.get_model_version(subject.name, subject.version).creation_timestamp


def _keep(record: Record, subject: Subject, locator: str, environment: str | None) -> Deployment | None:
    """Have the server know the image's digest. It is live nowhere by being made, so what is kept ends as it starts."""
    environment = subject.environment or environment
    if environment is None:
        return None
    now = time.time_ns() // 1_000_000
    said = f"image/{subject.promotion or subject.label}/{environment}/{locator}"
    fields = {"started": now, "ended": now, "key": said[-500:], "environment": environment}
    return record.deployed(DeploymentKind.IMAGE, locator, **fields)
