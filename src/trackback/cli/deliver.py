"""`trackback deliver`: the stages that CI runs after a promotion."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from importlib import import_module
from signal import SIGTERM, signal
from typing import Any, NoReturn, TypeVar

import click

from trackback.cli.remote import json_option, print_json, server_option
from trackback.delivery.exits import ExitCode, exit_code_of
from trackback.errors import InvalidParameter, StorageFull, TrackbackError

COMMANDS = {
    "ami": "deliver_ami:ami",
    "base": "deliver_image:base",
    "delta": "evaluate:delta",
    "deploy": "deliver_deploy:deploy",
    "image": "deliver_image:image",
    "init": "pipelines:init",
    "run": "pipelines:run",
    "score": "deliver_score:score",
    "validate": "evaluate:validate",
}
"""Where each command is: the module, imported when the command is asked for, and its name there."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Outcome:
    """How a stage ended.

    document: the JSON object that ``--json`` prints; ``passed`` and ``exit_code`` are added.
    show: prints the same for people.
    code: the exit code, where it is not just whether it passed.
    """

    passed: bool
    document: dict[str, Any]
    show: Callable[[], None]
    code: int | None = None


class Stage(click.Command):
    """A command whose function returns an Outcome, or raises what ended it. How it went is told by the exit code."""

    def invoke(self, ctx: click.Context) -> NoReturn:
        before = signal(SIGTERM, lambda *_: sys.exit(128 + SIGTERM))  # unwinds, so that what was begun is put away
        try:
            self._run(ctx, bool(ctx.params.get("as_json")))
        finally:
            signal(SIGTERM, before)

    def _run(self, ctx: click.Context, as_json: bool) -> NoReturn:
        try:
            outcome: Outcome = super().invoke(ctx)
        except TrackbackError as error:
            self._refuse(error, as_json)
        except KeyboardInterrupt:
            click.echo(f"trackback: {self.name} was interrupted.", err=True)
            sys.exit(ExitCode.INTERRUPTED)
        except OSError as error:
            if error.errno not in (ENOSPC, EDQUOT):
                self._fail()
            self._refuse(StorageFull(f"There is no room: {error}. Make some, and run the stage again."), as_json)
        except click.ClickException as error:
            if as_json:
                self._print_error(InvalidParameter.code, error.format_message(), ExitCode.INPUT)
            raise
        except (click.Abort, click.exceptions.Exit):
            raise
        except Exception:  # noqa: BLE001 - the outermost edge: 1, Python's exit code, would say that a check failed
            self._fail()
        code = outcome.code if outcome.code is not None else ExitCode.PASSED if outcome.passed else ExitCode.FAILED
        if as_json:
            print_json({"stage": self.name, "passed": outcome.passed, "exit_code": int(code), **outcome.document})
        else:
            outcome.show()
        sys.exit(code)

    def _fail(self) -> NoReturn:
        """By what nobody has foreseen."""
        traceback.print_exc()
        sys.exit(ExitCode.UNABLE)

    def _refuse(self, error: TrackbackError, as_json: bool) -> NoReturn:
        code = exit_code_of(error)
        if as_json:
            self._print_error(error.code, error.message, code)
        click.echo(f"trackback: {error.message}", err=True)
        sys.exit(code)

    def _print_error(self, code: str, message: str, exit_code: ExitCode) -> None:
        said = {"code": code, "message": message}
        print_json({"stage": self.name, "passed": False, "exit_code": int(exit_code), "error": said})


class Stages(click.Group):
    """The commands of ``COMMANDS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"trackback.cli.{module}"), attribute)
        return command


@click.group(cls=Stages)
def deliver() -> None:
    """Bring a promoted model to where it predicts, stage by stage, with each step on the record.

    MODEL is models:/NAME/VERSION, models:/NAME@ALIAS, or a promotion's number; without it, what the pipeline was
    triggered by. Exit codes: 0 passed, 1 the check failed, 2 wrong input, 3 it could not be done.
    """


def subject_argument(command: F) -> F:
    """MODEL, which may be left out in a pipeline."""
    return click.argument("model", required=False)(command)


def stage_options(command: F) -> F:
    """``--server`` and ``--json``, which each stage has."""
    return server_option(json_option(command))


def say(text: str) -> None:
    """What is being done, for those who wait; the outcome goes to standard output."""
    click.echo(f"… {text}", err=True)
