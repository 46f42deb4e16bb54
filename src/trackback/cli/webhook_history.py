"""`trackback webhook deliveries` and `replay`: what webhooks were told, and telling it again."""

from itertools import chain, islice
from urllib.parse import quote

import click
import msgspec

from trackback.cli.named_webhooks import PER_PAGE, WEBHOOKS, find_webhook
from trackback.cli.remote import connect, json_option, moment, pages, print_json, print_table, server_option
from trackback.entities import DeliveryStatus, WebhookDelivery


class DeliveryAnswer(msgspec.Struct):
    delivery: WebhookDelivery


class DeliveriesAnswer(msgspec.Struct):
    deliveries: tuple[WebhookDelivery, ...] = ()
    next_page_token: str | None = None


class ReplayAnswer(msgspec.Struct):
    replayed: int
    next_seq: int | None = None


@click.command()
@click.argument("name")
@click.argument("delivery", default="")
@click.option("--status", type=click.Choice([each.value for each in DeliveryStatus]), help="Only those of one status.")
@click.option("-n", "--number", default=50, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@server_option
@json_option
def deliveries(name: str, delivery: str, status: str | None, number: int, server: str | None, as_json: bool) -> None:
    """List what a webhook was told and is to be told, the newest first; or show one DELIVERY, with its body."""
    with connect(server) as transport:
        path = f"{WEBHOOKS}/{find_webhook(transport, name).webhook_id}/deliveries"
        if delivery:
            print_json(transport.call("GET", f"{path}/{quote(delivery, safe='')}", {}, DeliveryAnswer).delivery)
            return
        request = {"max_results": min(number, PER_PAGE)} | ({"status": status} if status else {})
        found = chain.from_iterable(page.deliveries for page in pages(transport, path, request, DeliveriesAnswer))
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


@click.command()
@click.argument("name")
@click.argument("delivery", default="")
@click.option("--from", "from_seq", type=click.IntRange(min=1), help="The first promotion, by its number in the log.")
@server_option
@json_option
def replay(name: str, delivery: str, from_seq: int | None, server: str | None, as_json: bool) -> None:
    """Tell a webhook again: of one DELIVERY, or of all promotions from a number on."""
    if bool(delivery) == (from_seq is not None):
        raise click.UsageError("Give either a delivery's id, or --from NUMBER.")
    with connect(server) as transport:
        path = f"{WEBHOOKS}/{find_webhook(transport, name).webhook_id}"
        if delivery:
            again = transport.call(
                "POST", f"{path}/deliveries/{quote(delivery, safe='')}/replay", {}, DeliveryAnswer, idempotent=False
            ).delivery
            print_json(again) if as_json else click.echo(f"Delivery {again.id} repeats {delivery}.")
            return
        replayed = 0
        while from_seq is not None:
            part = transport.call("POST", f"{path}/replay", {"from_seq": from_seq}, ReplayAnswer, idempotent=False)
            replayed, from_seq = replayed + part.replayed, part.next_seq
    print_json({"replayed": replayed}) if as_json else click.echo(f"{replayed} promotions are told again.")
