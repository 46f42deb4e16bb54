"""The page of accounts says what is so: calls, commands, roles and numbers."""

import re
from collections.abc import Iterator

import click

from tests.docs.markdown import ROOT, quoted, section, tables
from trackback.cli.main import find_command
from trackback.cli.token import DAYS
from trackback.entities import Permission, Role
from trackback.server.api import accounts, audit
from trackback.server.authorization import FRESH_S
from trackback.services.account_rules import PASSWORD_LENGTHS
from trackback.services.attempts import FREE

PAGE = ROOT / "docs" / "reference" / "accounts.md"


def test_each_call_is_there() -> None:
    (rows,) = tables(PAGE, "## The API")

    assert {quoted(call)[0] for call, *_ in rows} == {
        f"{route.method} {route.path}" for route in (*accounts.ROUTES, *audit.ROUTES)
    }


def test_each_call_for_admins_is_said_to_be() -> None:
    (rows,) = tables(PAGE, "## The API")
    said = {quoted(call)[0] for call, _, needs, _ in rows if needs == "`admin`"}

    assert said == {
        f"{route.method} {route.path}"
        for route in (*accounts.ROUTES, *audit.ROUTES)
        if route.permission is Permission.ADMIN
    }


def test_each_command_is_shown() -> None:
    text = PAGE.read_text()

    assert [command for command in commands_of_accounts() if f"trackback {command}" not in text] == []


def commands_of_accounts() -> Iterator[str]:
    for name in ("user", "token", "role"):
        group = find_command(name)
        assert isinstance(group, click.Group)
        yield from (f"{name} {each}" for each in group.commands)
    yield "audit"


def test_each_role_is_there() -> None:
    (rows,) = tables(PAGE, "## Roles")

    assert [quoted(role)[0] for role, _ in rows] == [role.value for role in Role]


def test_numbers_are_those_in_use() -> None:
    text = " ".join(PAGE.read_text().split())

    assert f"remembers for {FRESH_S:g} seconds" in text
    assert f"of {PASSWORD_LENGTHS[0]} characters at least" in text
    assert f"expires after {DAYS} days" in text
    assert FREE == 5
    assert "After five wrong passwords" in text
    assert re.search(r"up to a minute", section(PAGE, "## To sign in").replace("\n", " "))
