"""`trackback webhook`."""

from itertools import islice

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import Client, walk
from trackback.entities import (
    DeliveryStatus,
    Webhook,
    WebhookStatus,
    WebhookTarget,
)
from trackback.errors import InvalidParameter, NotFound

PROMOTED = "promotion.created"
PER_PAGE = 1000


@click.group()
def webhook() -> None:
    """Have CI and others told of promotions and of the registry's changes. A webhook is known by its name or id."""


@webhook.command()
@click.argument("name")
@click.argument("url", default="")
@click.option(
    "--target",
    default=WebhookTarget.PLAIN.value,
    show_default=True,
    type=click.Choice([each.value for each in WebhookTarget]),
    help="What is at the other end: any receiver of JSON at URL; a repository_dispatch of GitHub; a pipeline trigger "
    "of GitLab; a material of GoCD, which `trackback gocd init` sets up.",
)
@click.option("--repository", default="", metavar="OWNER/NAME", help="GitHub's.")
@click.option("--event-type", default="", help="GitHub's; trackback-promotion by default.")
@click.option("--project", default="", help="GitLab's, by id or path.")
@click.option("--ref", default="", help="The branch or tag of GitLab's that the pipeline runs for; main by default.")
@click.option("--fingerprint", default="", help="GoCD's of the material.")
@click.option("--api", default="", metavar="URL", help="Of GoCD, or of a GitHub or GitLab of your own.")
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
    with connect(server) as client:
        made = client.create_webhook(
            name,
            url,
            events or [PROMOTED],
            description,
            secret,
            target=target,
            options={option: value for option, value in options.items() if value},
            token=token,
            stream=stream,
            environment=environment,
        )
    if as_json:
        print_json(made)
    else:
        click.echo(f"Webhook {made.webhook_id} to {made.url}.")


@webhook.command("list")
@server_option
@json_option
def list_webhooks(server: str | None, as_json: bool) -> None:
    """List webhooks, the newest first."""
    with connect(server) as client:
        found = _webhooks(client)
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
    with connect(server) as client:
        found = _find(client, name)
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
    with connect(server) as client:
        result = client.test_webhook(_find(client, name).webhook_id)
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
@click.argument("delivery", default="")
@click.option("--status", type=click.Choice([each.value for each in DeliveryStatus]), help="Only those of one status.")
@click.option("-n", "--number", default=50, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@server_option
@json_option
def deliveries(name: str, delivery: str, status: str | None, number: int, server: str | None, as_json: bool) -> None:
    """List what a webhook was told and is to be told, the newest first; or show one DELIVERY, with its body."""
    with connect(server) as client:
        webhook_id = _find(client, name).webhook_id
        if delivery:
            print_json(client.get_webhook_delivery(webhook_id, delivery))
            return
        found = walk(client.list_webhook_deliveries, webhook_id, status, min(number, PER_PAGE))
        listed = list(islice(found, number))
    if as_json:
        print_json(listed)
        return
    print_table(
        ("ID", "EVENT", "NO.", "STATUS", "ATTEMPTS", "CREATED", "LAST TRIED", "ANSWER"),
        [
            (
                each.id,
                each.event,
                each.seq,
                each.status,
                each.attempts,
                moment(each.created),
                moment(each.attempted),
                each.error or each.response_status,
            )
            for each in listed
        ],
    )


@webhook.command()
@click.argument("name")
@click.argument("delivery", default="")
@click.option("--from", "from_seq", type=click.IntRange(min=1), help="The first promotion, by its number in the log.")
@server_option
@json_option
def replay(name: str, delivery: str, from_seq: int | None, server: str | None, as_json: bool) -> None:
    """Tell a webhook again: of one DELIVERY, or of all promotions from a number on."""
    if bool(delivery) == (from_seq is not None):
        raise click.UsageError("Give either a delivery's id, or --from NUMBER.")
    with connect(server) as client:
        webhook_id = _find(client, name).webhook_id
        if delivery:
            again = client.replay_webhook_delivery(webhook_id, delivery)
            print_json(again) if as_json else click.echo(f"Delivery {again.id} repeats {delivery}.")
            return
        replayed = 0
        while from_seq is not None:
            part = client.replay_webhook(webhook_id, from_seq)
            replayed, from_seq = replayed + part.replayed, part.next_seq
    print_json({"replayed": replayed}) if as_json else click.echo(f"{replayed} promotions are told again.")


@webhook.command()
@click.argument("name")
@server_option
def delete(name: str, server: str | None) -> None:
    """Tell a webhook nothing any more, also not what waits to be told; its history goes with it."""
    with connect(server) as client:
        found = _find(client, name)
        client.delete_webhook(found.webhook_id)
    click.echo(f"Webhook {found.name} is deleted.")


def _set_status(server: str | None, name: str, status: WebhookStatus) -> None:
    with connect(server) as client:
        changed = client.update_webhook(_find(client, name).webhook_id, status=status)
    click.echo(f"Webhook {changed.name} is {changed.status.lower()}.")


def _webhooks(client: Client) -> list[Webhook]:
    return list(walk(client.list_webhooks, PER_PAGE, promotions=True))


def _find(client: Client, name: str) -> Webhook:
    """The webhook of an id, or the only one of a name."""
    webhooks = _webhooks(client)
    found = [each for each in webhooks if each.webhook_id == name] or [each for each in webhooks if each.name == name]
    if not found:
        raise NotFound(f"There is no webhook {name!r}. See `trackback webhook list`.")
    if len(found) > 1:
        raise InvalidParameter(f"There are {len(found)} webhooks named {name!r}. Give the id of one.")
    return found[0]


def _events(webhook: Webhook) -> str:
    return ", ".join(str(event) for event in webhook.events)
