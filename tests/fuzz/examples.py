"""A valid request for every route, made from the route's own declaration."""

import copy
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import inspect

from tests.fuzz.gocd import gocd_values
from tests.server.wire import ask, post
from trackback.server.gocd.endpoints import PREFIX, Relay
from trackback.server.mlflow.endpoints import Rpc
from trackback.server.routing import Route
from trackback.server.ui import ROUTES as UI_ROUTES

Fields = dict[str, Any]

FILE = "folder/file.txt"

_PAGES = frozenset(route.path for route in UI_ROUTES)
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


class Example(NamedTuple):
    """What to send: ``parameters`` of the path, and ``fields`` of the body, or of the query where there is no body."""

    route: Route
    parameters: Mapping[str, str]
    fields: Fields

    @property
    def in_query(self) -> bool:
        return self.route.method == "GET" or not isinstance(self.route.endpoint, (Rpc, Relay))

    @property
    def is_page(self) -> bool:
        """Whatever the method: errors are pages there, too."""
        return self.route.path in _PAGES

    @property
    def sends_file(self) -> bool:
        return self.route.method in ("PUT", "POST") and not isinstance(self.route.endpoint, (Rpc, Relay))

    def path(self, encode: Callable[[str], str]) -> str:
        return _PARAMETER.sub(lambda match: encode(self.parameters[match[1]]), self.route.path)


class World:
    """An experiment, a run, a logged model and a version registered of it on a server, for requests to name."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count()
        self._renew()
        self._renew_for_gocd()

    def renew_for(self, route: Route) -> None:
        """Make new ones: a request may have deleted those there were."""
        self._renew()
        if _is_of_gocd(route):
            self._renew_for_gocd()

    def _renew_for_gocd(self) -> None:
        self._of_gocd = gocd_values(self._port, str(self._values["registered"]), self._experiment)

    def _renew(self) -> None:
        self._experiment = f"world {next(self._numbers)}"
        experiment = post(self._port, "experiments/create", {"name": self._experiment})["experiment_id"]
        run = post(self._port, "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
        tags = [{"key": "loss", "value": "tag"}]
        point = {"key": "loss", "value": 1, "timestamp": 1}
        post(self._port, "runs/log-batch", {"run_id": run, "metrics": [point], "tags": tags})
        post(self._port, "experiments/set-experiment-tag", {"experiment_id": experiment, "key": "loss", "value": "tag"})
        model = post(self._port, "logged-models", {"experiment_id": experiment, "tags": tags})["model"]["info"][
            "model_id"
        ]
        for root in (f"{experiment}/{run}/artifacts", f"{experiment}/models/{model}/artifacts"):
            path = f"/api/2.0/mlflow-artifacts/artifacts/{root}/{FILE}"
            assert ask(self._port, "PUT", path, b"0123456789").status == 200
        logged = {"artifact_path": "model", "flavors": {}, "utc_time_created": "now", "run_id": run}
        registered = f"registered {next(self._numbers)}"
        post(self._port, "registered-models/create", {"name": registered, "tags": tags})
        version = {"name": registered, "source": f"models:/{model}", "tags": tags}
        post(self._port, "model-versions/create", version)
        post(self._port, "registered-models/alias", {"name": registered, "alias": "champion", "version": "1"})
        self._values: Mapping[str, Any] = {
            "alias": "champion",
            "artifact_directory_path": "folder",
            "artifact_file_path": FILE,
            "artifact_location": "s3://bucket/place",
            "dataset_digest": "d1",
            "dataset_name": "data",
            "digest": "d1",
            "end_step": 10,
            "experiment_id": experiment,
            "experiment_ids": experiment,
            "field_name": "creation_timestamp",
            "id": model,
            "key": "loss",
            "metric_key": "loss",
            "max_results": 5,
            "model_id": model,
            "model_json": json.dumps(logged),
            "page_token": "",
            "path": FILE,
            "registered": registered,
            "rows": "50",
            "run_id": run,
            "run_ids": run,
            "run_uuid": run,
            "seq": "1",
            "source": f"models:/{model}",
            "source_run_id": run,
            "stage": "Staging",
            "stages": "Staging",
            "start_step": 0,
            "tag_key": "loss",
            "timeout_s": 3600,  # within which nothing is written that was not asked for
            "url": "https://hook.invalid/x",
            "version": "1",
            "view": "ALL",
        }

    def example(self, route: Route) -> Example:
        parameters = {match[1]: self._of_name(match[1], route) for match in _PARAMETER.finditer(route.path)}
        if not isinstance(route.endpoint, (Rpc, Relay)):
            names = ["run_id", "path", "artifact_file_path", "filter", "order_by", "page_token", "rows", "view"]
            names += ["name", "version"] if _is_of_registry(route) else []
            return Example(route, parameters, {name: self._of_name(name, route) for name in names})
        info = inspect.type_info(route.endpoint.request)
        fields = self._of_type("", info, route)
        return Example(route, parameters, {name: value for name, value in fields.items() if name not in parameters})

    def _of_type(self, name: str, info: inspect.Type, route: Route) -> Any:
        match info:
            case inspect.UnionType():
                return self._of_type(name, info.types[0], route)
            case inspect.StructType():
                return {field.encode_name: self._of_type(field.encode_name, field.type, route) for field in info.fields}
            case inspect.ListType() | inspect.VarTupleType():
                return [self._of_type(name, info.item_type, route)]
            case inspect.EnumType():
                return next(iter(info.cls)).value
            case inspect.StrType():
                return self._of_name(name, route)
            case inspect.BoolType():
                return True
            case inspect.DictType():
                return copy.deepcopy(self._known(route).get(name, {}))
        return self._known(route).get(name, 1)

    def _known(self, route: Route) -> Mapping[str, Any]:
        """Values by the names of fields."""
        return {**self._values, **self._of_gocd} if _is_of_gocd(route) else self._values

    def _of_name(self, name: str, route: Route) -> str:
        has_no_metrics = route.path == "/" or "/mlflow/experiments/" in route.path or _is_of_registry(route)
        if name == "filter":
            return "name LIKE '%'" if has_no_metrics else "metrics.loss > 0"
        if name == "order_by":
            return "name ASC" if has_no_metrics else "metrics.loss DESC"
        if name == "path" and "{path:path}" in route.path:
            return f"{self._values['experiment_id']}/{self._values['run_id']}/artifacts/{FILE}"
        if name == "name" and _is_of_registry(route) and not route.path.endswith("registered-models/create"):
            return str(self._values["registered"])
        if name == "name" and "/webhooks" in route.path:
            return f"webhook-{next(self._numbers)}"
        if name == "run_id" and route.path.endswith("/runs/create"):
            return f"{next(self._numbers):032x}"
        if name in ("name", "new_name"):
            return f"name {next(self._numbers)}"
        return str(self._known(route).get(name, "some text"))


def _is_of_registry(route: Route) -> bool:
    return any(part in route.path for part in ("/registered-models/", "/model-versions/", "/registry"))


def _is_of_gocd(route: Route) -> bool:
    return route.path.startswith(PREFIX)
