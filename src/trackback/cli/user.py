"""`trackback user`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.entities import Role

if TYPE_CHECKING:
    from trackback.entities import Actor
    from trackback.services.accounts import Accounts

on_database_option = click.option(
    "--backend-store-uri",
    metavar="URI",
    help="Work on this database itself, while no server does that owns it, instead of asking a server.",
)
password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, instead of asking for it."
)


@click.group()
def user() -> None:
    """Add, list and disable users, and set their passwords."""


@user.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="Who may do everything; the same as --role admin.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="A role for everything; may be given several times. `trackback role grant` gives others.",
)
@click.option(
    "--service", is_flag=True, help="A program, which has no password: `trackback token create` makes it one."
)
@password_option
@on_database_option
@server_option
def add(
    name: str,
    admin: bool,
    roles: tuple[str, ...],
    service: bool,
    password_stdin: bool,
    backend_store_uri: str | None,
    server: str | None,
) -> None:
    """Add a user.

    The first admin has to be added with --backend-store-uri, on the database of the server that is to be started.
    """
    password = "" if service else _ask_password(password_stdin)
    granted = sorted({*map(Role, roles), *((Role.ADMIN,) if admin else ())})
    if backend_store_uri:
        _on_database(
            backend_store_uri,
            lambda accounts, actor: accounts.add_user(actor, name, password=password, service=service, roles=granted),
        )
    else:
        with connect(server) as client:
            client.add_user(name, password=password, service=service, roles=granted)
    click.echo(f"Added {'the service' if service else 'the user'} {name}.")


@user.command("list")
@server_option
@json_option
def list_users(server: str | None, as_json: bool) -> None:
    """List all users with their roles."""
    with connect(server) as client:
        users = list(walk(client.list_users))
    if as_json:
        print_json(users)
        return
    print_table(
        ("NAME", "KIND", "ROLES", "ADDED", "DISABLED"),
        [
            (
                each.name,
                "service" if each.service else "person",
                ", ".join(
                    f"{grant.role} of {grant.resource}" if grant.resource else grant.role for grant in each.grants
                ),
                moment(each.created),
                moment(each.disabled),
            )
            for each in users
        ],
    )


@user.command()
@click.argument("name")
@server_option
def disable(name: str, server: str | None) -> None:
    """Have a user sign in no more, by password or token. Users are never deleted: records name them."""
    with connect(server) as client:
        client.disable_user(name)
    click.echo(f"Disabled {name}.")


@user.command()
@click.argument("name")
@server_option
def enable(name: str, server: str | None) -> None:
    """Let a disabled user sign in again."""
    with connect(server) as client:
        client.enable_user(name)
    click.echo(f"Enabled {name}.")


@user.command()
@click.argument("name")
@click.option("--own", is_flag=True, help="It is your own: you are asked for the one that you have, too.")
@password_option
@on_database_option
@server_option
def password(name: str, own: bool, password_stdin: bool, backend_store_uri: str | None, server: str | None) -> None:
    """Set a user's password: your own, or as an admin anybody's."""
    current = click.prompt("Current password", hide_input=True) if own else ""
    new = _ask_password(password_stdin)
    if backend_store_uri:
        _on_database(backend_store_uri, lambda accounts, actor: accounts.set_password(actor, name, new))
    else:
        with connect(server) as client:
            client.set_password(name, new, current)
    click.echo(f"Set the password of {name}. Tokens stay as they are.")


def _ask_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password on: give --password-stdin.")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _on_database(uri: str, change: "Callable[[Accounts, Actor], Awaitable[object]]") -> None:
    """Have the accounts in a database changed, by whoever can open it."""
    from trackback.services.accounts import OPERATOR, Accounts  # noqa: PLC0415 - a server's packages
    from trackback.services.passwords import Passwords  # noqa: PLC0415
    from trackback.storage import open_storage  # noqa: PLC0415

    async def run() -> None:
        storage, passwords = open_storage(uri), Passwords()
        try:
            await change(Accounts(storage, passwords), OPERATOR)
        finally:
            passwords.close()
            await storage.close()

    asyncio.run(run())
