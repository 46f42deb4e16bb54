"""`trackback webhook`."""

from typing import Any

import click
import msgspec

from trackback.cli.named_webhooks import WEBHOOKS, all_webhooks, find_webhook
from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.cli.webhook_history import deliveries, replay
from trackback.client.wire import Nothing
from trackback.entities import (
    Webhook,
    WebhookStatus,
    WebhookTarget,
    WebhookTestResult,
)


class WebhookAnswer(msgspec.Struct):
    webhook: Webhook


class TestAnswer(msgspec.Struct):
    result: WebhookTestResult


@click.group()
def webhook() -> None:
    """Have CI and others told of promotions and of the registry's changes. A webhook is known by its name or id."""


webhook.add_command(deliveries)
webhook.add_command(replay)


@webhook.command()
@click.argument("name")
@click.argument("url", default="")
@click.option(
    "--target",
    default=WebhookTarget.PLAIN.value,
    show_default=True,
    type=click.Choice([each.value for each in WebhookTarget]),
    help="What is at the other end: any receiver of JSON at URL; a repository_dispatch of GitHub; a pipeline trigger "
    "of GitLab.",
)
@click.option("--repository", default="", metavar="OWNER/NAME", help="GitHub's.")
@click.option("--event-type", default="", help="GitHub's; trackback-promotion by default.")
@click.option("--project", default="", help="GitLab's, by id or path.")
@click.option("--ref", default="", help="The branch or tag of GitLab's that the pipeline runs for; main by default.")
@click.option("--api", default="", metavar="URL", help="Of a GitHub or GitLab of your own.")
@click.option("--event", "events", multiple=True, help="Such as model_version.created; promotion.created by default.")
@click.option("--stream", default="", help="Only promotions of a model (models:/churn) or experiments:/ID.")
@click.option("--environment", default="", help="Only promotions to one environment.")
@click.option("--description", default="")
@click.option(
    "--secret",
    envvar="TRACKBACK_WEBHOOK_SECRET",
    show_envvar=True,
    default="",
    help="What is sent is signed with it. Better given in the environment, where no list of processes shows it.",
)
@click.option(
    "--token", envvar="TRACKBACK_WEBHOOK_TOKEN", show_envvar=True, default="", help="What the target lets in by."
)
@server_option
@json_option
def create(
    name: str,
    url: str,
    target: str,
    events: tuple[str, ...],
    stream: str,
    environment: str,
    description: str,
    secret: str,
    token: str,
    server: str | None,
    as_json: bool,
    **options: str,
) -> None:
    """Have a receiver told, from now on. URL is for the plain target; the others make theirs."""
    body: dict[str, Any] = {
        "name": name,
        "url": url,
        "target": target,
        "options": {option: value for option, value in options.items() if value},
        "description": description,
        "secret": secret,
        "token": token,
        "stream": stream,
        "environment": environment,
    }
    if events:
        body["events"] = [_event(each) for each in events]
    with connect(server) as transport:
        made = transport.call("POST", WEBHOOKS, body, WebhookAnswer, idempotent=False).webhook
    if as_json:
        print_json(made)
    else:
        click.echo(f"Webhook {made.webhook_id} to {made.url}.")


@webhook.command("list")
@server_option
@json_option
def listall_webhooks(server: str | None, as_json: bool) -> None:
    """List webhooks, the newest first."""
    with connect(server) as transport:
        found = all_webhooks(transport)
    if as_json:
        print_json(found)
        return
    print_table(
        ("ID", "NAME", "STATUS", "TARGET", "URL", "EVENTS"),
        [(each.webhook_id, each.name, each.status, each.target, each.url, _events(each)) for each in found],
    )


@webhook.command()
@click.argument("name")
@server_option
@json_option
def show(name: str, server: str | None, as_json: bool) -> None:
    """Show what a webhook is told, and where."""
    with connect(server) as transport:
        found = find_webhook(transport, name)
    if as_json:
        print_json(found)
        return
    rows = [
        ("ID", found.webhook_id),
        ("Name", found.name),
        ("Status", found.status),
        ("Target", found.target),
        ("URL", found.url),
        ("Options", ", ".join(f"{key}={value}" for key, value in found.options.items())),
        ("Events", _events(found)),
        ("Stream", found.stream or "all"),
        ("Environment", found.environment or "all"),
        ("Signed", "yes" if found.signed else "no"),
        ("Description", found.description or ""),
        ("Created", moment(found.creation_timestamp)),
        ("Changed", moment(found.last_updated_timestamp)),
    ]
    print_table(("", ""), rows)


@webhook.command()
@click.argument("name")
@server_option
def enable(name: str, server: str | None) -> None:
    """Go on telling a webhook, of what waits for it first."""
    _set_status(server, name, WebhookStatus.ACTIVE)


@webhook.command()
@click.argument("name")
@server_option
def disable(name: str, server: str | None) -> None:
    """Tell a webhook nothing for now; what happens meanwhile it is not told later, unless by a replay."""
    _set_status(server, name, WebhookStatus.DISABLED)


@webhook.command()
@click.argument("name")
@server_option
@json_option
def test(name: str, server: str | None, as_json: bool) -> None:
    """Send an example, and show what was answered. Exit code 1 if it was not taken."""
    with connect(server) as transport:
        path = f"{WEBHOOKS}/{find_webhook(transport, name).webhook_id}/test"
        result = transport.call("POST", path, {}, TestAnswer, idempotent=False).result
    if as_json:
        print_json(result)
    elif result.error_message:
        click.echo(result.error_message)
    else:
        click.echo(f"{result.response_status} {result.response_body or ''}")
    if not result.success:
        raise SystemExit(1)


@webhook.command()
@click.argument("name")
@server_option
def delete(name: str, server: str | None) -> None:
    """Tell a webhook nothing any more, also not what waits to be told; its history goes with it."""
    with connect(server) as transport:
        found = find_webhook(transport, name)
        transport.call("DELETE", f"{WEBHOOKS}/{found.webhook_id}", {}, Nothing)
    click.echo(f"Webhook {found.name} is deleted.")


def _set_status(server: str | None, name: str, status: WebhookStatus) -> None:
    with connect(server) as transport:
        path = f"{WEBHOOKS}/{find_webhook(transport, name).webhook_id}"
        changed = transport.call("PATCH", path, {"status": status.value}, WebhookAnswer).webhook
    click.echo(f"Webhook {changed.name} is {changed.status.lower()}.")


def _event(text: str) -> dict[str, str]:
    entity, _, action = text.upper().partition(".")
    return {"entity": entity, "action": action}


def _events(webhook: Webhook) -> str:
    return ", ".join(str(event) for event in webhook.events)
