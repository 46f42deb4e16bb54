"""Webhooks by MLflow's client: made, listed, tried, changed and deleted; what they are sent is signed as documented."""

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException

client = MlflowClient()
unique = uuid.uuid4().hex[:8]
SECRET = "of the webhook"
requests: list[tuple[dict[str, str], bytes]] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        requests.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"taken")

    def log_message(self, *_: object) -> None: ...


def check_signature(headers: dict[str, str], body: bytes) -> None:
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body.decode()}"
    digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    assert headers["X-MLflow-Signature"] == f"v1,{base64.b64encode(digest).decode()}", headers


def wait_for(number: int) -> None:
    deadline = time.monotonic() + 30
    while len(requests) < number:
        assert time.monotonic() < deadline, f"{len(requests)} of {number} requests came"
        time.sleep(0.05)


def a_webhook_is_made_listed_changed_and_deleted(url: str) -> None:
    events = ["registered_model.created", WebhookEvent("model_version_alias", "deleted")]
    made = client.create_webhook(f"made-{unique}", url, events, description="tells CI", secret=SECRET)
    assert {str(event) for event in made.events} == {"registered_model.created", "model_version_alias.deleted"}
    assert (made.status, made.description, made.url) == (WebhookStatus.ACTIVE, "tells CI", url), made
    assert made.secret is None, "a secret is never told"
    assert made.creation_timestamp == made.last_updated_timestamp > 0, made
    got = client.get_webhook(made.webhook_id)
    assert (got.name, set(got.events)) == (made.name, set(made.events)), got

    others = [client.create_webhook(f"other{n}-{unique}", url, ["model_version.created"]) for n in range(2)]
    listed, token = [], None
    while token != "":
        page = client.list_webhooks(max_results=2, page_token=token)
        assert len(page) <= 2, page
        listed += [webhook.webhook_id for webhook in page]
        token = page.token or ""
    ours = [webhook.webhook_id for webhook in (*others[::-1], made)]
    assert [found for found in listed if found in ours] == ours, listed

    changed = client.update_webhook(made.webhook_id, description="mended", status=WebhookStatus.DISABLED)
    assert (changed.description, changed.status, changed.name) == ("mended", WebhookStatus.DISABLED, made.name)
    assert set(changed.events) == set(made.events), changed
    assert client.update_webhook(made.webhook_id, events=["model_version.created"]).events != made.events

    for webhook in (made, *others):
        client.delete_webhook(webhook.webhook_id)
        try:
            client.get_webhook(webhook.webhook_id)
        except MlflowException as refusal:
            assert refusal.error_code == "RESOURCE_DOES_NOT_EXIST", refusal.error_code
        else:
            raise AssertionError(f"{webhook} was found")


def bad_webhooks_are_refused(url: str) -> None:
    for name, where, events in (
        ("-", url, ["model_version.created"]),
        ("ok", "ftp://127.0.0.1/x", ["model_version.created"]),
        ("ok", "https://10.255.255.1/x", ["model_version.created"]),
        ("ok", "https://no-such-host.invalid/x", ["model_version.created"]),
        ("ok", url, []),
    ):
        try:
            client.create_webhook(name, where, events)
        except MlflowException as refusal:
            assert refusal.error_code == "INVALID_PARAMETER_VALUE", refusal
        else:
            raise AssertionError(f"a webhook {name} to {where} of {events} was made")


def a_test_sends_an_example_that_is_signed(url: str) -> None:
    webhook = client.create_webhook(f"test-{unique}", url, ["model_version.created"], secret=SECRET)
    for event, entity in ((None, "model_version"), (WebhookEvent("model_version_tag", "set"), "model_version_tag")):
        requests.clear()
        result = client.test_webhook(webhook.webhook_id, event)
        assert (result.success, result.response_status, result.response_body) == (True, 200, "taken"), result
        ((headers, body),) = requests
        check_signature(headers, body)
        assert json.loads(body)["entity"] == entity, body
    client.update_webhook(webhook.webhook_id, url="https://127.0.0.1:1/nothing")
    result = client.test_webhook(webhook.webhook_id)
    assert (result.success, result.response_status) == (False, None), result
    assert result.error_message, result
    client.delete_webhook(webhook.webhook_id)


def what_happens_in_the_registry_is_told(url: str) -> None:
    events = [
        "registered_model.created",
        "model_version.created",
        "model_version_tag.set",
        "model_version_tag.deleted",
        "model_version_alias.created",
        "model_version_alias.deleted",
    ]
    webhook = client.create_webhook(f"told-{unique}", url, events, secret=SECRET)
    requests.clear()
    name = f"churn-{unique}"
    client.create_registered_model(name, tags={"team": "a"}, description="who leaves")
    version = client.create_model_version(name, "s3://no-such-bucket/model", tags={"k": "v"}, description="the first")
    client.set_model_version_tag(name, version.version, "checked", "yes")
    client.delete_model_version_tag(name, version.version, "checked")
    client.set_registered_model_alias(name, "champion", version.version)
    client.delete_registered_model_alias(name, "champion")
    wait_for(len(events))
    client.delete_webhook(webhook.webhook_id)

    told = {}
    for headers, body in requests:
        check_signature(headers, body)
        content = json.loads(body)
        assert set(content) == {"entity", "action", "timestamp", "data"}, content
        told[f"{content['entity']}.{content['action']}"] = content["data"]
    assert len({headers["X-MLflow-Delivery-Id"] for headers, _ in requests}) == len(events)
    numbered = {"name": name, "version": "1"}
    assert told == {
        "registered_model.created": {"name": name, "tags": {"team": "a"}, "description": "who leaves"},
        "model_version.created": {
            **numbered,
            "source": "s3://no-such-bucket/model",
            "run_id": None,
            "tags": {"k": "v"},
            "description": "the first",
        },
        "model_version_tag.set": {**numbered, "key": "checked", "value": "yes"},
        "model_version_tag.deleted": {**numbered, "key": "checked"},
        "model_version_alias.created": {**numbered, "alias": "champion"},
        "model_version_alias.deleted": {"name": name, "alias": "champion"},
    }, told


receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
place = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
a_webhook_is_made_listed_changed_and_deleted(place)
bad_webhooks_are_refused(place)
a_test_sends_an_example_that_is_signed(place)
what_happens_in_the_registry_is_told(place)
receiver.shutdown()
