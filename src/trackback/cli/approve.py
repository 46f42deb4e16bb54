"""`trackback approve` and `approvals`."""

import click
import msgspec

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.wire import Nothing
from trackback.entities import Approval

APPROVALS = "/api/v1/approvals"


class ApprovalAnswer(msgspec.Struct):
    approval: Approval


class ApprovalsAnswer(msgspec.Struct):
    approvals: tuple[Approval, ...] = ()


@click.command()
@click.argument("subject")
@click.option("--for", "environment", required=True, metavar="ENVIRONMENT", help="For which one, such as production.")
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option("--withdraw", is_flag=True, help="Take your approval back. What was promoted meanwhile, stays.")
@server_option
@json_option
def approve(subject: str, environment: str, reason: str, withdraw: bool, server: str | None, as_json: bool) -> None:
    """Approve that SUBJECT, a version or a run as its files are now, enters an environment.

    Nobody can approve of their own work. The server has to know who you are: it needs accounts.
    """
    asked = {"subject": subject, "environment": environment}
    with connect(server) as transport:
        if withdraw:
            transport.call("DELETE", APPROVALS, asked, Nothing, idempotent=False)
            click.echo(f"Your approval of {subject} for {environment} is withdrawn.")
            return
        done = transport.call("POST", APPROVALS, {**asked, "reason": reason}, ApprovalAnswer).approval
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done.actor} approves of {subject} for {environment} (digest {done.digest[:12]}…).")


@click.command()
@click.argument("subject")
@click.option("--for", "environment", default="", metavar="ENVIRONMENT", help="Only those for one environment.")
@server_option
@json_option
def approvals(subject: str, environment: str, server: str | None, as_json: bool) -> None:
    """List who has approved of SUBJECT, a version or a run as its files are now."""
    asked = {"subject": subject, "environment": environment}
    with connect(server) as transport:
        found = transport.call("GET", APPROVALS, asked, ApprovalsAnswer).approvals
    if as_json:
        print_json(found)
        return
    print_table(
        ("ENVIRONMENT", "BY", "WHEN", "WHY"),
        [(each.environment, each.actor, moment(each.time), each.reason) for each in found],
    )
