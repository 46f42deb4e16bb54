"""`trackback role`."""

import click

from trackback.cli.remote import connect, json_option, print_json, print_table, server_option
from trackback.entities import Role

user_argument = click.argument("user")
role_argument = click.argument("role", type=click.Choice([role.value for role in Role]))
resource_option = click.option(
    "--on",
    "resource",
    default="",
    metavar="RESOURCE",
    help="models:/NAME or experiments:/ID; everything by default.",
)


@click.group()
def role() -> None:
    """Say who may do what, everywhere or with one model or experiment."""


@role.command()
@user_argument
@role_argument
@resource_option
@server_option
def grant(user: str, role: str, resource: str, server: str | None) -> None:
    """Give a user a role."""
    with connect(server) as client:
        client.grant_role(user, role, resource)
    click.echo(f"{user} is {role} of {resource or 'everything'}.")


@role.command()
@user_argument
@role_argument
@resource_option
@server_option
def revoke(user: str, role: str, resource: str, server: str | None) -> None:
    """Take a role away from a user."""
    with connect(server) as client:
        client.revoke_role(user, role, resource)
    click.echo(f"{user} is not {role} of {resource or 'everything'} any more.")


@role.command("list")
@click.argument("user", required=False, default="")
@server_option
@json_option
def list_roles(user: str, server: str | None, as_json: bool) -> None:
    """List the roles of a user; your own by default."""
    with connect(server) as client:
        grants = client.list_grants(user)
    if as_json:
        print_json(grants)
        return
    print_table(("USER", "ROLE", "OF"), [(each.user, each.role, each.resource or "everything") for each in grants])
