"""The command line: ``catchment``.

Commands are loaded when they are called, so that verifying a receipt needs no web framework, and
an offline machine needs none of it installed.
"""

from __future__ import annotations

import importlib
from typing import Any, Final, NoReturn

import click
from marshmallow import ValidationError

from api.cli.speech import CANNOT_DECIDE, REFUSED, Speech, language_of
from api.client import Refused
from api.errors import (
    AnswerNotUnderstood,
    CalledHostNotUnderstood,
    CalledHostUnreachable,
    FileRefused,
    ServerUnreachable,
)
from ledger.errors import CatchmentError
from ledger.schema import malformed
from ledger.uncollected import uncollected

COMMANDS: Final = {
    "init": "operator:init",
    "serve": "operator:serve",
    "migrate": "operator:migrate",
    "backup": "operator:backup",
    "openapi": "operator:openapi",
    "reference": "supplier:reference",
    "demo": "operator:demo",
    "token": "tokens:token",
    "client": "clients:client",
    "events": "events:events",
    "admit": "admission:admit",
    "recovery": "recovery:recovery",
    "keygen": "supplier:keygen",
    "sign": "supplier:sign",
    "consent": "supplier:consent",
    "submit": "supplier:submit",
    "rotate": "keys:rotate",
    "revoke": "keys:revoke",
    "suspects": "keys:suspects",
    "reattest": "keys:reattest",
    "transfer": "ownership:transfer",
    "factors": "factors:factors",
    "indicators-load": "indicators:indicators_load",
    "erase": "rules:erase",
    "policy": "rules:policy",
    "accredit": "verifier:accredit",
    "attest": "verifier:attest",
    "requests": "requests:requests",
    "publish": "publish:publish",
    "bundle": "publish:bundle",
    "verify": "verification:verify",
    "log": "log:log",
    "witness": "witness:witness",
    "partner": "partners:partner",
    "pull": "partners:pull",
    "import": "import_:import_",
    "readings": "readings:readings",
    "product": "figures:product",
    "park": "figures:park",
    "enterprise": "figures:enterprise",
    "region": "region:region",
    "downstream": "downstream:downstream",
    "meters": "meters:meters",
    "account": "account:account",
    "indicators": "indicators:indicators",
    "certificates": "certificates:certificates",
    "report": "report:report",
    "targets": "targets:targets",
    "restatement": "targets:restatement",
    "impact": "impact:impact",
    "diff": "changes:diff",
    "wave": "changes:wave",
    "explain": "explain:explain",
    "levers": "explain:levers",
    "what-if": "whatif:what_if",
    "stress": "whatif:stress",
    "compare": "compare:compare",
    "awards": "compare:awards",
    "drift": "compare:drift",
    "subscribe": "subscriptions:subscribe",
    "subscriptions": "subscriptions:subscriptions",
    "findings": "findings:findings",
    "quality": "quality:quality",
    "footprints": "footprints:footprints",
}
"""Command -> module of this package and name in it."""

_UNDECIDED = (
    ServerUnreachable,
    AnswerNotUnderstood,
    CalledHostUnreachable,
    CalledHostNotUnderstood,
)


class _Lazy(click.Group):
    """Loads a command's module when the command is asked for; turns conditions into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        with uncollected():
            command: click.Command = getattr(importlib.import_module(f"api.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (CatchmentError, Refused) as raised:
            _fail(ctx, raised)
        except ValidationError as refused:
            _fail(ctx, malformed(refused))
        except OSError as failed:
            # A pipe that was closed has no file name, and is click's to handle.
            if failed.filename is None:
                raise
            _fail(ctx, FileRefused(path=failed.filename, reason=failed.strerror or "unreadable"))


def _fail(ctx: click.Context, raised: CatchmentError | Refused) -> NoReturn:
    ctx.ensure_object(Speech).refuse(raised)
    ctx.exit(CANNOT_DECIDE if isinstance(raised, _UNDECIDED) else REFUSED)


@click.group(cls=_Lazy)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; by default that of LANG.")
@click.version_option(package_name="catchment")
@click.pass_context
def main(ctx: click.Context, lang: str | None) -> None:
    """Supply-chain carbon footprints whose every number can be checked.

    \b
    Exit codes:
      0  done, or valid
      1  refused, or invalid
      2  the command was not used as it is meant; of “catchment verify” also:
         valid, but suspect or withheld
      3  cannot be decided: a server does not answer, or evidence is missing
    """
    ctx.obj = Speech(lang or language_of())
