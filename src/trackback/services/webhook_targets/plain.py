"""Any receiver of JSON: the same body as MLflow's webhooks have."""

from datetime import UTC, datetime

import msgspec

from trackback.errors import InvalidParameter
from trackback.services.webhook_targets.interface import Happening, Message, Options, Target


class Plain(Target):
    only_promotions = False

    def url(self, given: str, options: Options) -> str:
        if not given:
            raise InvalidParameter("Missing value for required parameter 'url'. It is where the webhook is sent to.")
        return given

    def body(self, happening: Happening, options: Options) -> str:
        entity, _, action = happening.event.partition(".")
        time = datetime.fromtimestamp(happening.time_ms / 1000, UTC)
        told = {"entity": entity, "action": action, "timestamp": time.isoformat(), "data": happening.data}
        return msgspec.json.encode(told).decode()

    def message(self, body: str, credential: str) -> Message:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return Message(body.encode(), {"Content-Type": "application/json", **headers})
