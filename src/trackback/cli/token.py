"""`trackback token`."""

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.entities import Role

DAYS = 90


@click.group()
def token() -> None:
    """Make, list and revoke tokens: what programs sign in with."""


@token.command()
@click.argument("name")
@click.option("--user", default="", help="The service that it is for, if you are an admin; yourself by default.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="A role that the token may do no more than; may be given several times. All that its user may by default.",
)
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(min=1), help="After which it expires.")
@click.option("--never-expires", is_flag=True, help="It is valid until it is revoked.")
@server_option
@json_option
def create(
    name: str,
    user: str,
    scopes: tuple[str, ...],
    days: int,
    never_expires: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Make a token and print its secret, which is told this once only. NAME says what it is for."""
    with connect(server) as client:
        created = client.create_token(name, user=user, scopes=scopes, days=None if never_expires else days)
    if as_json:
        print_json(created._asdict())
        return
    expires = f"until {moment(created.token.expires)}" if created.token.expires else "until it is revoked"
    click.echo(
        f"Token {created.token.id} of {created.token.user}, valid {expires}. Keep it: it is not told again.", err=True
    )
    click.echo(created.secret)


@token.command("list")
@click.option("--user", default="", help="Whose, if you are an admin; your own by default.")
@server_option
@json_option
def list_tokens(user: str, server: str | None, as_json: bool) -> None:
    """List tokens, the newest first, those that are not valid any more too."""
    with connect(server) as client:
        tokens = list(walk(client.list_tokens, user))
    if as_json:
        print_json(tokens)
        return
    print_table(
        ("ID", "NAME", "SCOPES", "MADE", "EXPIRES", "LAST USED", "REVOKED"),
        [
            (
                each.id,
                each.name,
                ", ".join(each.scopes) or "all",
                moment(each.created),
                moment(each.expires) or "never",
                moment(each.last_used) or "never",
                moment(each.revoked),
            )
            for each in tokens
        ],
    )


@token.command()
@click.argument("token_id", metavar="ID")
@server_option
def revoke(token_id: str, server: str | None) -> None:
    """End a token, by the number that `trackback token list` shows."""
    with connect(server) as client:
        client.revoke_token(token_id)
    click.echo(f"Revoked the token {token_id}.")
