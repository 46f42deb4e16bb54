"""Registered models: how they begin, are named, described, tagged, deleted and found, and what their aliases name."""

from collections.abc import Sequence

from trackback import limits
from trackback.entities import Actor, Permission, RegisteredModel
from trackback.errors import AlreadyExists
from trackback.search import REGISTERED_MODELS, parse_filter, parse_order_by
from trackback.services import access, pages, registry_events
from trackback.services.clock import Clock, now_ms
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.registry import checked_tags, held_model, note, readable_model, readable_version, touched_model
from trackback.storage import Storage, Transaction, model_versions, registered_models, registry_search
from trackback.storage.registry_search import RegistryQuery

VERSIONS_PER_WRITE = 5000


class RegisteredModels:
    def __init__(self, storage: Storage, marks: PromotionMarks, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._marks = marks
        self._clock = clock

    async def create(
        self, actor: Actor, name: str, *, description: str = "", tags: Sequence[tuple[str, str]] = ()
    ) -> RegisteredModel:
        """A new model, without versions. Raises AlreadyExists, InvalidParameter for bad values."""
        access.require(actor, Permission.WRITE)
        limits.check_registered_model_name(name)
        limits.check_length(description, "description", limits.REGISTRY_DESCRIPTION_LENGTH)
        checked = checked_tags(tags)
        now = self._clock()

        def operation(tx: Transaction) -> RegisteredModel:
            record = registered_models.add(tx, name, description, now)
            if record is None:
                raise _taken(name)
            if checked:
                registered_models.set_tags(tx, record.id, checked)
            note(tx, actor, "model.create", record.id, now, name=name)
            registry_events.model_created(tx, record.id, name, description, checked, now)
            return registered_models.load(tx, [record])[0]

        return await self._storage.write(operation)

    async def get(self, actor: Actor, name: str) -> RegisteredModel:
        """The model, with its newest version of each stage; it costs the same however many there are."""
        limits.check_registered_model_name(name)
        return await self._storage.look_up(
            lambda tx: registered_models.load(tx, [readable_model(tx, actor, name)])[0],
        )

    async def update(self, actor: Actor, name: str, description: str) -> RegisteredModel:
        """Set the description; an empty one is none."""
        limits.check_registered_model_name(name)
        limits.check_length(description, "description", limits.REGISTRY_DESCRIPTION_LENGTH)
        now = self._clock()

        def operation(tx: Transaction) -> RegisteredModel:
            record = touched_model(tx, actor, name, now)
            registered_models.set_description(tx, record.id, description)
            note(tx, actor, "model.describe", record.id, now, name=name)
            return registered_models.load(tx, [record._replace(description=description)])[0]

        return await self._storage.write(operation)

    async def rename(self, actor: Actor, name: str, new_name: str) -> RegisteredModel:
        """Give the model, whose id and versions stay, another name. Raises AlreadyExists if another has it."""
        limits.check_registered_model_name(name)
        limits.check_registered_model_name(new_name, "new_name")
        now = self._clock()

        def operation(tx: Transaction) -> RegisteredModel:
            record = touched_model(tx, actor, name, now)
            access.require(actor, Permission.WRITE)  # everywhere, as names are everybody's
            other = registered_models.find(tx, new_name)
            if other is not None and other.id != record.id:
                raise _taken(new_name)
            registered_models.rename(tx, record.id, new_name)
            note(tx, actor, "model.rename", record.id, now, name=name, new_name=new_name)
            return registered_models.load(tx, [record._replace(name=new_name)])[0]

        return await self._storage.write(operation)

    async def delete(self, actor: Actor, name: str) -> None:
        """Delete the model with all its versions, whatever their stages; its name is free again.

        Versions that are in an environment are taken out of it, which the promotion log shows. The deletion is done
        when the model is marked. Marking its versions too, so many in each transaction, only keeps them out of the
        indexes that searches walk.
        """
        limits.check_registered_model_name(name)
        now = self._clock()

        def operation(tx: Transaction) -> int:
            self._marks.hold(tx)
            record = touched_model(tx, actor, name, now)
            self._marks.leave(tx, actor, record.id, reason="The model was deleted.")
            registered_models.delete(tx, record.id, now)
            note(tx, actor, "model.delete", record.id, now, name=name)
            return record.id

        model = await self._storage.write(operation)
        while await self._storage.write(lambda tx: model_versions.delete_some(tx, model, now, VERSIONS_PER_WRITE)):
            pass

    async def search(
        self,
        actor: Actor,
        *,
        max_results: int = limits.REGISTERED_MODELS_PER_PAGE_DEFAULT,
        filter_text: str = "",
        order_by: Sequence[str] = (),
        page_token: str = "",
    ) -> pages.Page[RegisteredModel]:
        """A page of the models that a filter matches, in order. Prompts are found only if it asks for them.

        Raises InvalidParameter for a filter, order, token or size that is not valid.
        """
        limits.check_max_results(max_results, limits.REGISTERED_MODELS_PER_PAGE)
        offset = pages.decode(page_token)
        query = RegistryQuery(
            condition=parse_filter(filter_text, REGISTERED_MODELS),
            order=parse_order_by(order_by, REGISTERED_MODELS),
            limit=max_results + 1,
            offset=offset,
            readable=access.readable_models(actor),
        )

        def operation(tx: Transaction) -> pages.Page[RegisteredModel]:
            found = registry_search.search_models(tx, query)
            return pages.cut(registered_models.load(tx, found[:max_results]), len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def set_tag(self, actor: Actor, name: str, key: str, value: str) -> None:
        limits.check_registered_model_name(name)
        limits.check_key(key, "key")
        limits.check_length(value, "value", limits.REGISTRY_TAG_VALUE_LENGTH)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = held_model(tx, actor, name)
            registered_models.set_tags(tx, record.id, {key: value})
            note(tx, actor, "model.set_tag", record.id, now, key=key)
            registry_events.model_tag_set(tx, record.id, name, key, value, now)

        await self._storage.write(operation)

    async def delete_tag(self, actor: Actor, name: str, key: str) -> None:
        """That there is no such tag is no error, as in MLflow."""
        limits.check_registered_model_name(name)
        limits.check_text(key, "key")
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = held_model(tx, actor, name)
            if registered_models.delete_tag(tx, record.id, key):
                note(tx, actor, "model.delete_tag", record.id, now, key=key)
                registry_events.model_tag_deleted(tx, record.id, name, key, now)

        await self._storage.write(operation)

    async def set_alias(self, actor: Actor, name: str, alias: str, version: str) -> None:
        """Have ``alias`` name a version; another version of the model loses it.

        An alias that is an environment's name promotes the version. Raises InvalidState if a policy says no.
        """
        limits.check_registered_model_name(name)
        limits.check_alias(alias)
        number = limits.check_version(version)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            self._hold_log(tx, alias)
            model = held_model(tx, actor, name)
            self._marks.set_alias(tx, actor, readable_version(tx, actor, name, number), alias)
            note(tx, actor, "alias.set", model.id, now, alias=alias, version=number)
            registry_events.alias_created(tx, model.id, name, alias, number, now)

        await self._storage.write(operation)

    async def delete_alias(self, actor: Actor, name: str, alias: str) -> None:
        """That there is no such alias is no error, as in MLflow."""
        limits.check_registered_model_name(name)
        limits.check_text(alias, "alias")
        now = self._clock()

        def operation(tx: Transaction) -> None:
            self._hold_log(tx, alias)
            record = held_model(tx, actor, name)
            if registered_models.find_alias(tx, record.id, alias) is not None:
                self._marks.delete_alias(tx, actor, record.id, alias)
                note(tx, actor, "alias.delete", record.id, now, alias=alias)
                registry_events.alias_deleted(tx, record.id, name, alias, now)

        await self._storage.write(operation)

    def _hold_log(self, tx: Transaction, alias: str) -> None:
        if self._marks.is_environment(alias):
            self._marks.hold(tx)


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"Registered Model (name={name}) already exists.")
