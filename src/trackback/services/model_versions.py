"""Versions of registered models: how they are registered, described, staged, deleted and found.

What a version is, its files, params and metrics, is kept when it is registered and never changes.
"""

from collections.abc import Callable, Sequence

from trackback import limits
from trackback.entities import Actor, ModelVersion, Permission, Stage
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.search import MODEL_VERSIONS, parse_filter, parse_order_by
from trackback.services import access, pages, registry_events
from trackback.services.clock import Clock, now_ms
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.registry import (
    checked_tags,
    note,
    readable_model,
    readable_version,
    touched_model,
    version_by_alias,
    writable_version,
)
from trackback.services.snapshots import Snapshots
from trackback.services.version_contents import frozen, keep_data, with_origin
from trackback.services.version_sources import Claim, Origin, find_origin
from trackback.storage import Storage, Transaction, model_versions, registered_models, registry_search
from trackback.storage.model_versions import NewModelVersion
from trackback.storage.registry_search import PROMPT, RegistryQuery

ACTIVE_STAGES = (Stage.STAGING, Stage.PRODUCTION)

_STAGES = {stage.lower(): stage for stage in Stage}


class ModelVersions:
    """``created`` are called after a version was registered."""

    def __init__(
        self,
        storage: Storage,
        snapshots: Snapshots,
        marks: PromotionMarks,
        clock: Clock = now_ms,
        *,
        created: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._marks = marks
        self._clock = clock
        self._created = created

    async def create(
        self,
        actor: Actor,
        name: str,
        source: str,
        *,
        run_id: str = "",
        model_id: str = "",
        run_link: str = "",
        description: str = "",
        tags: Sequence[tuple[str, str]] = (),
        once: bool = False,
    ) -> ModelVersion:
        """Register the files at ``source`` as the next version of a model: they are frozen as they are now.

        Where they can't be had the version has no digest, and its ``status_message`` says why. A copy of a version, of
        which the source is ``models:/name/version``, has all that the version has. A prompt has no files.
        ``once``: if the model has a version of this source and run, that is the answer, and nothing is registered.

        Raises NotFound for a registered model, a version or a logged model that is not there, InvalidParameter for
        values beyond their limits and for a source that does not belong to the run or logged model that is named.
        """
        limits.check_registered_model_name(name)
        limits.check_length(run_id, "run_id", limits.ID_LENGTH)
        limits.check_length(model_id, "model_id", limits.ID_LENGTH)
        new = NewModelVersion(
            source=limits.check_length(source, "source", limits.VERSION_SOURCE_LENGTH),
            location=source,
            description=limits.check_length(description, "description", limits.REGISTRY_DESCRIPTION_LENGTH),
            run_link=limits.check_length(run_link, "run_link", limits.RUN_LINK_LENGTH),
            user_id=actor.user,
        )
        checked = checked_tags(tags)
        is_prompt = checked.get(PROMPT.key) == "true"

        def look(tx: Transaction) -> Origin:
            access.require(actor, Permission.WRITE, model=readable_model(tx, actor, name).id)
            return Origin(source, run_id) if is_prompt else find_origin(tx, actor, Claim(source, run_id, model_id))

        origin = await self._storage.look_up(look)
        has_files = not is_prompt and origin.copied_from is None
        tree = await self._snapshots.prepare(origin.location) if has_files else None
        now = self._clock()

        def operation(tx: Transaction) -> ModelVersion:
            kept = frozen(tx, with_origin(new, origin), tree, now)
            model = touched_model(tx, actor, name, now)
            if once and (before := model_versions.newest_of_source(tx, model.id, kept.run_id, source)):
                return model_versions.load_whole(tx, before)
            number = registered_models.next_version(tx, model.id)
            version = model_versions.add(tx, model.id, number, kept, now)
            keep_data(tx, version, origin)
            if checked:
                model_versions.set_tags(tx, version, checked)
            note(tx, actor, "version.create", model.id, now, version=number, digest=kept.digest)
            registry_events.version_created(tx, model.id, name, number, source, run_id, checked, description, now)
            return model_versions.load_whole(tx, readable_version(tx, actor, name, number))

        version = await self._storage.write(operation)
        for tell in self._created:
            tell()
        return version

    async def get(self, actor: Actor, name: str, version: str) -> ModelVersion:
        """The version with the params and metrics that were registered with it."""
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        return await self._storage.look_up(
            lambda tx: model_versions.load_whole(tx, readable_version(tx, actor, name, number)),
        )

    async def get_by_alias(self, actor: Actor, name: str, alias: str) -> ModelVersion:
        """The version that an alias names. Raises InvalidParameter, as MLflow does, if it names none."""
        limits.check_registered_model_name(name)
        limits.check_text(alias, "alias")

        return await self._storage.look_up(
            lambda tx: model_versions.load_whole(tx, version_by_alias(tx, actor, name, alias)),
        )

    async def latest(self, actor: Actor, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        """The newest version of each of some stages, or of all; a stage is named in any case."""
        limits.check_registered_model_name(name)
        wanted = {_stage(stage) for stage in stages} or set(Stage)

        def operation(tx: Transaction) -> list[ModelVersion]:
            found = model_versions.latest(tx, [readable_model(tx, actor, name).id])
            return model_versions.load(tx, [record for record in found if record.stage in wanted])

        return await self._storage.look_up(operation)

    async def download_uri(self, actor: Actor, name: str, version: str) -> str:
        """Where clients find the files: the version's snapshot, or its source where there is none."""
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        return await self._storage.look_up(lambda tx: readable_version(tx, actor, name, number).location)

    async def update(self, actor: Actor, name: str, version: str, description: str) -> ModelVersion:
        """Set the description; an empty one is none."""
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        limits.check_length(description, "description", limits.REGISTRY_DESCRIPTION_LENGTH)
        now = self._clock()

        def operation(tx: Transaction) -> ModelVersion:
            self._marks.hold(tx)
            record = writable_version(tx, actor, name, number)
            model_versions.set_description(tx, record.id, description, now)
            self._marks.described(tx, record)
            note(tx, actor, "version.describe", record.model, now, version=number)
            return model_versions.load_whole(tx, readable_version(tx, actor, name, number))

        return await self._storage.write(operation)

    async def delete(self, actor: Actor, name: str, version: str) -> None:
        """Hide the version, take it out of all environments and forget its aliases; its number is not given again."""
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            self._marks.hold(tx)
            registered_models.touch(tx, name, now)
            record = writable_version(tx, actor, name, number)
            self._marks.leave(tx, actor, record.model, reason="The version was deleted.", version=record.id)
            registered_models.delete_aliases(tx, record.model, number)
            model_versions.delete(tx, record.id, now)
            note(tx, actor, "version.delete", record.model, now, version=number)

        await self._storage.write(operation)

    async def transition_stage(
        self, actor: Actor, name: str, version: str, stage: str, *, archive_existing: bool = False
    ) -> ModelVersion:
        """Put the version into a stage, named in any case; with ``archive_existing`` it will be the only one there.

        A stage that is an environment promotes the version. Raises InvalidParameter for a stage that is not there, or
        that others can't be archived from, and InvalidState if a policy says no.
        """
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        wanted = _stage(stage)
        if archive_existing and wanted not in ACTIVE_STAGES:
            raise InvalidParameter(
                "Model version transition cannot archive existing model versions because "
                f"'{wanted}' is not an Active stage. Valid stages are {', '.join(ACTIVE_STAGES)}."
            )
        now = self._clock()

        def operation(tx: Transaction) -> ModelVersion:
            self._marks.hold(tx)
            registered_models.touch(tx, name, now)
            record = writable_version(tx, actor, name, number)
            self._marks.set_stage(tx, actor, record, wanted, archive_existing=archive_existing, now_ms=now)
            note(tx, actor, "stage.set", record.model, now, version=number, stage=wanted)
            return model_versions.load_whole(tx, readable_version(tx, actor, name, number))

        return await self._storage.write(operation)

    async def search(
        self,
        actor: Actor,
        *,
        max_results: int = limits.MODEL_VERSIONS_PER_PAGE_DEFAULT,
        filter_text: str = "",
        order_by: Sequence[str] = (),
        page_token: str = "",
    ) -> pages.Page[ModelVersion]:
        """A page of the versions that a filter matches, in order, without their params and metrics.

        Prompts are found only if the filter asks for them. Raises InvalidParameter for a filter, order, token or size
        that is not valid.
        """
        limits.check_max_results(max_results, limits.MODEL_VERSIONS_PER_PAGE)
        offset = pages.decode(page_token)
        query = RegistryQuery(
            condition=parse_filter(filter_text, MODEL_VERSIONS),
            order=parse_order_by(order_by, MODEL_VERSIONS),
            limit=max_results + 1,
            offset=offset,
            readable=access.readable_models(actor),
        )

        def operation(tx: Transaction) -> pages.Page[ModelVersion]:
            found = registry_search.search_versions(tx, query)
            return pages.cut(model_versions.load(tx, found[:max_results]), len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def set_tag(self, actor: Actor, name: str, version: str, key: str, value: str) -> None:
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        limits.check_key(key, "key")
        limits.check_length(value, "value", limits.REGISTRY_TAG_VALUE_LENGTH)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = writable_version(tx, actor, name, number)
            model_versions.set_tags(tx, record.id, {key: value})
            note(tx, actor, "version.set_tag", record.model, now, version=number, key=key)
            registry_events.version_tag_set(tx, record.model, name, number, key, value, now)

        await self._storage.write(operation)

    async def delete_tag(self, actor: Actor, name: str, version: str, key: str) -> None:
        """That there is no such tag is no error, as in MLflow."""
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        limits.check_text(key, "key")
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = writable_version(tx, actor, name, number)
            if model_versions.delete_tag(tx, record.id, key):
                note(tx, actor, "version.delete_tag", record.model, now, version=number, key=key)
                registry_events.version_tag_deleted(tx, record.model, name, number, key, now)

        await self._storage.write(operation)


def _stage(text: str) -> Stage:
    if stage := _STAGES.get(text.lower()):
        return stage
    raise InvalidParameter(f"Invalid Model Version stage: {shown(text)}. Value must be one of {', '.join(Stage)}.")
