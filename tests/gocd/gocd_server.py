"""GoCD's HTTP API, as far as trackback calls it: the same paths, versions, headers and statuses.

A call with another version in its Accept header finds nothing; one without a body is not taken without
X-GoCD-Confirm; what is changed has to be named as it was, by its ETag.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.servers.program import free_port

TOKEN = "gocd-admin-token"
OPERATOR_TOKEN = "gocd-operator-token"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
PAGE = 10

JSON = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **more}


@dataclass
class Call:
    method: str
    path: str
    headers: Mapping[str, str]
    body: JSON


@dataclass
class GoCDServer:
    """``on_trigger`` is what happens to the material; ``busy`` so many triggers are answered with 409 first."""

    port: int = field(default_factory=free_port)
    repositories: dict[str, JSON] = field(default_factory=dict)
    packages: dict[str, JSON] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    runs: dict[str, list[JSON]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    on_trigger: Callable[[], object] = lambda: None
    busy: int = 0
    down: bool = False
    has_plugin: bool = True
    plugin_faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/go"

    def fingerprint(self, package_id: str) -> str:
        return hashlib.sha256(package_id.encode()).hexdigest()

    def use_all_packages(self) -> None:
        """Pipelines have all packages as materials."""
        self.used = set(self.packages)

    def changes(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls if call.method != "GET"]

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: Call) -> tuple[int, JSON, str]:
        """Status, body and ETag."""
        self.calls.append(call)
        if self.down:
            raise Refused(503, "The server is starting.")
        admin = self._admitted(call)
        for pattern, (version, only_admins, function) in _ROUTES.items():
            if match := re.fullmatch(pattern, f"{call.method} {call.path}"):
                if call.headers.get("accept") != f"application/vnd.go.cd.v{version}+json":
                    raise Refused(404, "The resource you requested was not found!")
                if only_admins and not admin:
                    raise Refused(403, "You are not authorized to perform this action.")
                _check_body(call)
                return function(self, call, *match.groups())
        raise Refused(404, "The resource you requested was not found!")

    def _admitted(self, call: Call) -> bool:
        if call.headers.get("authorization") not in (f"Bearer {TOKEN}", f"Bearer {OPERATOR_TOKEN}"):
            raise Refused(401, "You are not authenticated!")
        return call.headers["authorization"] == f"Bearer {TOKEN}"

    def list_repositories(self, call: Call) -> tuple[int, JSON, str]:
        return 200, {"_embedded": {"package_repositories": list(self.repositories.values())}}, ""

    def show_repository(self, call: Call, repo_id: str) -> tuple[int, JSON, str]:
        return _shown(self.repositories, repo_id)

    def create_repository(self, call: Call) -> tuple[int, JSON, str]:
        if not self.has_plugin:
            why = "Validations failed for repository 'x'. Error(s): [Invalid plugin id]. Please correct and resubmit."
            raise Refused(422, why, data=call.body)
        self._check(call.body, [each["name"] for each in self.repositories.values()])
        repo_id = f"repo-{len(self.repositories) + 1}"
        self.repositories[repo_id] = {**call.body, "repo_id": repo_id, **_encrypted(call.body)}
        return _shown(self.repositories, repo_id)

    def update_repository(self, call: Call, repo_id: str) -> tuple[int, JSON, str]:
        _check_etag(self.repositories, repo_id, call)
        self._check(call.body, [])
        self.repositories[repo_id] = {**call.body, **_encrypted(call.body)}
        return _shown(self.repositories, repo_id)

    def list_packages(self, call: Call) -> tuple[int, JSON, str]:
        return 200, {"_embedded": {"packages": list(self.packages.values())}}, ""

    def show_package(self, call: Call, package_id: str) -> tuple[int, JSON, str]:
        return _shown(self.packages, package_id)

    def create_package(self, call: Call) -> tuple[int, JSON, str]:
        self._check(call.body, [each["name"] for each in self.packages.values()])
        if call.body["package_repo"]["id"] not in self.repositories:
            raise Refused(422, "Could not find the repository.")
        package_id = f"package-{len(self.packages) + 1}"
        self.packages[package_id] = {**call.body, "id": package_id}
        return _shown(self.packages, package_id)

    def update_package(self, call: Call, package_id: str) -> tuple[int, JSON, str]:
        _check_etag(self.packages, package_id, call)
        self._check(call.body, [])
        self.packages[package_id] = call.body
        return _shown(self.packages, package_id)

    def list_materials(self, call: Call) -> tuple[int, JSON, str]:
        git = {"type": "git", "fingerprint": "0" * 64, "attributes": {"url": "https://example.org/a.git"}}
        packages = [
            {"type": "package", "fingerprint": self.fingerprint(each), "attributes": {"ref": each}}
            for each in self.used
        ]
        return 200, {"_embedded": {"materials": [git, *packages]}}, ""

    def trigger(self, call: Call, fingerprint: str) -> tuple[int, JSON, str]:
        if fingerprint not in map(self.fingerprint, self.used):
            raise Refused(
                404, f"Either the resource you requested was not found, or you are not authorized: {fingerprint}"
            )
        if self.busy:
            self.busy -= 1
            raise Refused(409, "Update already in progress.")
        self.on_trigger()
        return 201, {"message": "OK"}, ""

    def history(self, call: Call, pipeline: str, after: str | None) -> tuple[int, JSON, str]:
        if pipeline not in self.runs:
            raise Refused(
                404, f"Either the resource you requested was not found, or you are not authorized: {pipeline}"
            )
        runs = sorted(self.runs[pipeline], key=lambda run: -int(run["counter"]))
        rest = [run for run in runs if after is None or run["counter"] < int(after)]
        answer: JSON = {"pipelines": rest[:PAGE]}
        if len(rest) > PAGE:
            href = f"http://gocd.internal:8153/go/api/pipelines/{pipeline}/history?after={rest[PAGE - 1]['counter']}"
            answer["_links"] = {"next": {"href": href}}
        return 200, answer, ""

    def instance(self, call: Call, pipeline: str, counter: str) -> tuple[int, JSON, str]:
        for run in self.runs.get(pipeline, []):
            if run["counter"] == int(counter):
                return 200, run, ""
        raise Refused(404, f"Pipeline '{pipeline}' with counter '{counter}' not found!")

    def _check(self, body: JSON, taken: list[str]) -> None:
        faults = dict(self.plugin_faults)
        if body["name"] in taken or not NAME.fullmatch(body["name"]):
            faults["name"] = [f"The name '{body['name']}' is taken or not valid."]
        if faults:
            raise Refused(422, "Validations failed. Please correct and resubmit.", data={**body, "errors": faults})


def _shown(kept: dict[str, JSON], name: str) -> tuple[int, JSON, str]:
    if name not in kept:
        raise Refused(404, "The resource you requested was not found!")
    return 200, kept[name], _etag(kept[name])


def _etag(value: JSON) -> str:
    return f'"{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()}"'


def _check_etag(kept: dict[str, JSON], name: str, call: Call) -> None:
    if call.headers.get("if-match") != _shown(kept, name)[2]:
        raise Refused(412, "Someone has modified the configuration for this resource. Please update your copy.")


def _check_body(call: Call) -> None:
    if call.method == "GET":
        return
    if int(call.headers.get("content-length", 0)) == 0:
        if call.headers.get("x-gocd-confirm") != "true":
            raise Refused(400, "Missing required header 'X-GoCD-Confirm'")
    elif not call.headers.get("content-type", "").startswith("application/json"):
        raise Refused(415, "You must specify a 'Content-Type' of 'application/json'")


def _encrypted(body: JSON) -> JSON:
    """Secrets are answered as GoCD keeps them."""
    return {
        "configuration": [
            {"key": each["key"], "encrypted_value": f"AES:{each['value']}"}
            if each["key"] == "TOKEN" and each.get("value")
            else each
            for each in body["configuration"]
        ]
    }


_ROUTES: dict[str, tuple[int, bool, Callable[..., tuple[int, JSON, str]]]] = {
    "GET /go/api/admin/repositories": (1, True, GoCDServer.list_repositories),
    "POST /go/api/admin/repositories": (1, True, GoCDServer.create_repository),
    "GET /go/api/admin/repositories/([^/]+)": (1, True, GoCDServer.show_repository),
    "PUT /go/api/admin/repositories/([^/]+)": (1, True, GoCDServer.update_repository),
    "GET /go/api/admin/packages": (2, True, GoCDServer.list_packages),
    "POST /go/api/admin/packages": (2, True, GoCDServer.create_package),
    "GET /go/api/admin/packages/([^/]+)": (2, True, GoCDServer.show_package),
    "PUT /go/api/admin/packages/([^/]+)": (2, True, GoCDServer.update_package),
    "GET /go/api/config/materials": (2, False, GoCDServer.list_materials),
    "POST /go/api/internal/materials/([^/]+)/trigger_update": (1, False, GoCDServer.trigger),
    r"GET /go/api/pipelines/([^/]+)/history(?:\?after=(\d+))?": (1, False, GoCDServer.history),
    r"GET /go/api/pipelines/([^/]+)/(\d+)/instance": (1, False, GoCDServer.instance),
}


def _handler(gocd: GoCDServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, json.loads(content) if content else {})
            try:
                status, body, etag = gocd.answer(call)
            except Refused as refused:
                status, body, etag = refused.status, refused.body, ""
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", f"{self.headers.get('accept', 'application/json')}; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            if etag:
                self.send_header("etag", etag)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None: ...

    return Handler
