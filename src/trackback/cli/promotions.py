"""`trackback promote`, `demote`, `rollback` and `promotions`."""

from collections.abc import Iterator, Sequence

import click
import msgspec

from trackback.cli.remote import connect, json_option, moment, pages, print_json, print_table, server_option
from trackback.client.transport import Transport
from trackback.entities import PendingPromotion, Promotion, PromotionKind

PROMOTIONS = "/api/v1/promotions"
WAIT_S = 30


class Done(msgspec.Struct):
    """What came of a request to promote: an entry of the log, or what waits to be one."""

    promotion: Promotion | None = None
    pending: PendingPromotion | None = None


class Log(msgspec.Struct):
    promotions: tuple[Promotion, ...] = ()
    cursor: int | None = None
    next_page_token: str | None = None


class Pending(msgspec.Struct):
    pending: tuple[PendingPromotion, ...] = ()
    next_page_token: str | None = None


reason_option = click.option("--reason", default="", help="Why, for those who read the log.")


@click.command()
@click.argument("subject")
@click.option("--to", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@click.option("--pending", is_flag=True, help="Where the policy says no as yet: wait, and go in once it is met.")
@click.option("--override", is_flag=True, help="Go in although the policy says no. For admins; needs a reason.")
@click.option("--allow-unverified", is_flag=True, help="Also a version whose files the server could not take in.")
@server_option
@json_option
def promote(
    subject: str,
    environment: str,
    reason: str,
    pending: bool,
    override: bool,
    allow_unverified: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Promote SUBJECT, a version (models:/churn/7, models:/churn@candidate) or a run (runs:/ID).

    What is there already stays as it is. Exit code 1 if it may not go in; the message says all that is missing.
    """
    body = {
        "subject": subject,
        "environment": environment,
        "reason": reason,
        "pending": pending,
        "override": override,
        "allow_unverified": allow_unverified,
    }
    with connect(server) as transport:
        done = transport.call("POST", PROMOTIONS, body, Done)
    if as_json:
        print_json(done)
    elif done.promotion:
        click.echo(_sentence(done.promotion))
    elif done.pending:
        click.echo(f"{_subject(done.pending)} waits to enter {environment} (pending {done.pending.id}). Missing:")
        for each in done.pending.unmet:
            click.echo(f"- {each}")


@click.command()
@click.argument("subject")
@click.option("--from", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@server_option
@json_option
def demote(subject: str, environment: str, reason: str, server: str | None, as_json: bool) -> None:
    """Take SUBJECT out of an environment: a version, a run, or whatever is there of a model (models:/churn)."""
    _ask("demote", {"subject": subject, "environment": environment, "reason": reason}, server, as_json)


@click.command()
@click.argument("stream")
@click.option("--in", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@server_option
@json_option
def rollback(stream: str, environment: str, reason: str, server: str | None, as_json: bool) -> None:
    """Promote again what was in an environment before, of STREAM: a model (models:/churn) or experiments:/ID."""
    _ask("rollback", {"stream": stream, "environment": environment, "reason": reason}, server, as_json)


@click.command("promotions")
@click.option("--stream", default="", help="Only those of a model (models:/churn) or an experiment (experiments:/ID).")
@click.option("--environment", default="", help="Only those of one environment.")
@click.option("--after", default=0, metavar="NUMBER", help="Only those after this one.", type=click.IntRange(min=0))
@click.option("--at", default="", metavar="TIME", help="What was in force then: 2026-11-01T00:00:00Z, or now.")
@click.option("--waiting", is_flag=True, help="What waits to be promoted, and for what.")
@click.option("--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@server_option
@json_option
def list_promotions(
    stream: str,
    environment: str,
    after: int,
    at: str,
    waiting: bool,
    follow: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """List promotions in the order of the log, each once. With --json one a line, for programs."""
    asked: dict[str, object] = {"stream": stream, "environment": environment}
    with connect(server) as transport:
        if waiting:
            listed = pages(transport, f"{PROMOTIONS}/pending", {"stream": stream}, Pending)
            _print_pending([each for page in listed for each in page.pending], as_json)
        elif at:
            in_force = pages(transport, PROMOTIONS, {**asked, "at": at}, Log)
            _print([entry for page in in_force for entry in page.promotions], as_json)
        elif follow:
            for page in _log(transport, asked, after, WAIT_S):
                _print(page, as_json)
        else:
            _print([entry for page in _log(transport, asked, after, 0) for entry in page], as_json)


def _ask(action: str, body: dict[str, str], server: str | None, as_json: bool) -> None:
    with connect(server) as transport:
        done = transport.call("POST", f"{PROMOTIONS}/{action}", body, Done, idempotent=False)
    if as_json:
        print_json(done)
    elif done.promotion:
        click.echo(_sentence(done.promotion))


def _log(transport: Transport, asked: dict[str, object], after: int, wait_s: int) -> Iterator[tuple[Promotion, ...]]:
    """The log's pages to its end, or, with a wait, for ever."""
    while True:
        page = transport.call("GET", PROMOTIONS, {**asked, "after": after, "wait": wait_s}, Log)
        if page.promotions:
            yield page.promotions
        elif not wait_s:
            return
        after = page.cursor or after


def _print(promotions: Sequence[Promotion], as_json: bool) -> None:
    if as_json:
        for each in promotions:
            print_json(each)
        return
    print_table(
        ("No.", "When", "What", "Environment", "Subject", "By", "Why"),
        [
            (each.seq, moment(each.time), each.kind, each.environment, _subject(each), each.actor, each.reason or "")
            for each in promotions
        ],
    )


def _print_pending(pending: Sequence[PendingPromotion], as_json: bool) -> None:
    if as_json:
        for each in pending:
            print_json(each)
        return
    print_table(
        ("No.", "Since", "Environment", "Subject", "By", "Missing"),
        [
            (each.id, moment(each.created), each.environment, _subject(each), each.actor, " ".join(each.unmet))
            for each in pending
        ],
    )


def _sentence(entry: Promotion) -> str:
    if entry.kind is PromotionKind.DEMOTED:
        return f"Promotion {entry.seq}: {_subject(entry)} has left {entry.environment}."
    if entry.kind is PromotionKind.ROLLED_BACK:
        return f"Promotion {entry.seq}: {entry.environment} is back to {_subject(entry)}.{_passed_over(entry)}"
    how = ", overriding the policy" if entry.overridden else ""
    return f"Promotion {entry.seq}: {_subject(entry)} is in {entry.environment}{how}."


def _passed_over(entry: Promotion) -> str:
    numbers = [str(number) for number in entry.basis.get("passed_over", ())]
    if not numbers:
        return ""
    by = f"promotion {numbers[0]}" if len(numbers) == 1 else f"the promotions {', '.join(numbers)}"
    return f" What was there after that, by {by}, was passed over: it has been deleted since."


def _subject(entry: Promotion | PendingPromotion) -> str:
    return f"models:/{entry.name}/{entry.version}" if entry.name else f"runs:/{entry.run_id}"
