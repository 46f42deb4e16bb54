"""`trackback approve` and `approvals`."""

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option


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
    with connect(server) as client:
        if withdraw:
            client.withdraw_approval(subject, environment)
            click.echo(f"Your approval of {subject} for {environment} is withdrawn.")
            return
        done = client.approve(subject, environment, reason=reason)
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
    with connect(server) as client:
        found = client.list_approvals(subject, environment)
    if as_json:
        print_json(found)
        return
    print_table(
        ("ENVIRONMENT", "BY", "WHEN", "WHY"),
        [(each.environment, each.actor, moment(each.time), each.reason) for each in found],
    )
