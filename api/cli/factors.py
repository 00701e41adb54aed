"""``catchment factors``: sets of factors that stand in the place of gaps.

Which sets there are decides every figure with a gap in it, so the registrar alone states them, on
the server's machine. A set is written as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import click

from api.cli.figures import asked_client, server_or_here_option
from api.cli.options import token_option, yes_option
from api.cli.refusals import refuse_lines
from api.cli.speaking import Speaker, ask, registrar
from api.cli.speech import REFUSED, Speech, json_option, pass_speech
from api.client import InForce, Refused
from api.errors import FactorTableRefused
from api.importing.factor_tables import LAYOUTS, About, Reading, parts_of, read
from api.importing.sheets import read_file
from ledger.errors import ChainExists
from ledger.statements import Body, FactorRow, Factors, NaturalKey, Withdrawal

BATCH_BYTES: Final = 8 * 1024 * 1024
"""What a server takes at once; a set is sent as one batch, since half of one must never stand."""


@click.group()
def factors() -> None:
    """Sets of factors: what estimates an input that nobody upstream describes."""


@factors.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--set", "name", required=True, help="Name of the set, such as epa-supply-chain.")
@click.option("--version", required=True, help="The publisher's version.")
@click.option("--publisher", required=True, help="Who publishes it.")
@click.option("--source", required=True, help="What it was taken from: title, table, address.")
@click.option("--licence", help="On what terms it may be used.")
@click.option("--year", type=int, help="The year it is for; by default the latest in the file.")
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="catchment", show_default=True)
@click.option("--region", help="Instead of the rows' own: such as CN, or “anywhere”.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@yes_option
@json_option
@pass_speech
@click.pass_context
def load(
    ctx: click.Context,
    speech: Speech,
    /,
    path: Path,
    layout: str,
    region: str | None,
    dry_run: bool,
    yes: bool,
    **about: Any,
) -> None:
    """State a .csv or .xlsx table as a set, or as a new version of one.

    Said by the registrar, on the server's machine. What the file says is shown first, beside what
    stands; a set is written as a whole or not at all. The layout “catchment” is in docs/factors.md;
    the others read tables as their publishers print them. Only rows for “anywhere” estimate what
    comes from other regions than theirs.

    Exit code 1 if a line is refused.
    """
    tables = read_file(path)
    if len(tables) != 1:
        raise FactorTableRefused(reason="it does not hold one sheet")
    reading = read(tables[0], layout, region)
    bodies = parts_of(reading, About(**about))
    if reading.problems:
        refuse_lines(speech, reading.problems, reading.lines)
        ctx.exit(REFUSED)
    plan = _Plan.of(registrar(speech), bodies)
    _show_plan(speech, reading, plan)
    plan.rehearse(speech)
    if dry_run or not plan.steps:
        _report(speech, reading, plan, written=False)
        return
    ask(speech, speech.text("Write it to the log?"), yes)
    plan.write(speech)
    _report(speech, reading, plan, written=True)


# --- What has to be said -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """A part to state, or one to end; ``prev`` is what it follows."""

    body: Body
    prev: str | None


@dataclass
class _Changes:
    """Rows by what happens to them, against the parts that stand."""

    new: int
    changed: int
    gone: int
    same: int

    @classmethod
    def between(cls, old: Sequence[Factors], new: Sequence[Factors]) -> _Changes:
        before, after = _rows(old), _rows(new)
        common = before.keys() & after.keys()
        same = sum(1 for key in common if before[key] == after[key])
        return cls(
            new=len(after.keys() - common),
            changed=len(common) - same,
            gone=len(before.keys() - common),
            same=same,
        )


def _rows(parts: Sequence[Factors]) -> Mapping[tuple[str, ...], FactorRow]:
    """Rows by their keys, each with its year: the year of a set may change and theirs not."""
    dated = (
        replace(row, year=row.year or part.year) if row.of else row
        for part in parts
        for row in part.rows
    )
    return {row.key: row for row in dated}


@dataclass
class _Plan:
    """Everything that has to be said so that the set stands as wanted, in order."""

    who: Speaker
    bodies: Sequence[Factors]
    standing: Sequence[Factors]
    steps: list[_Step]
    envelopes: list[bytes]

    @classmethod
    def of(cls, who: Speaker, bodies: Sequence[Factors]) -> _Plan:
        stands = {each.key: each for each in who.client.statements(kind=Factors.TYPE)
                  if cast(Factors, each.body).name == bodies[0].name}  # fmt: skip
        steps = [*_stated(bodies, stands, who), *_ended(bodies, stands)]
        standing = [cast(Factors, each.body) for each in stands.values()]
        return cls(who, bodies, standing, steps, [])

    @property
    def changes(self) -> _Changes:
        return _Changes.between(self.standing, self.bodies)

    def rehearse(self, speech: Speech) -> None:
        """Sign every part, and have the log judge all. Raises Refused or FactorTableRefused."""
        if not self.steps:
            return
        with speech.progress() as bar:
            for step in bar.track(self.steps, description=speech.text("Signing")):
                self.envelopes.append(self._signed(step))
            if sum(map(len, self.envelopes)) > BATCH_BYTES:
                raise FactorTableRefused(reason="it is larger than what the log takes at once")
            bar.add_task(speech.text("Checking"), total=None)
            self._resume()
            self.who.client.rehearse(self.envelopes)

    def _signed(self, step: _Step) -> bytes:
        return self.who.signed(step.body, prev=step.prev)

    def _resume(self) -> None:
        """Sign again, on top of it, what follows a withdrawal: no list shows those."""
        new = [i for i, step in enumerate(self.steps) if step.prev is None]
        first = [self.envelopes[i] for i in new]
        results = self.who.client.submit_batch(first, dry_run=True) if first else []
        for i, result in zip(new, results, strict=True):
            problem = result.problem or {}
            head = problem.get("params", {}).get("head")
            if problem.get("code") == ChainExists.code and head is not None:
                self.envelopes[i] = self._signed(replace(self.steps[i], prev=str(head)))

    def write(self, speech: Speech) -> None:
        """All of it or nothing. Raises Refused."""
        with speech.progress() as bar:
            bar.add_task(speech.text("Writing"), total=None)
            results = self.who.client.submit_batch(self.envelopes, atomic=True)
        for result in results:
            if result.problem is not None:
                raise Refused(result.problem)


def _stated(
    bodies: Sequence[Factors], stands: Mapping[NaturalKey, InForce], who: Speaker
) -> Iterator[_Step]:
    for body in bodies:
        before = stands.get(body.natural_key(who.key.enterprise))
        if before is None or before.body != body:
            yield _Step(body, before.digest if before else None)


def _ended(bodies: Sequence[Factors], stands: Mapping[NaturalKey, InForce]) -> Iterator[_Step]:
    """Parts of the version before that the new one has no counterpart for."""
    for said in stands.values():
        if cast(Factors, said.body).part.k > len(bodies):
            yield _Step(Withdrawal(reason=f"{bodies[0].version} has no such part."), said.digest)


# --- Saying what happens -------------------------------------------------------------------


def _show_plan(speech: Speech, reading: Reading, plan: _Plan) -> None:
    if speech.as_json:
        return
    head, changes = plan.bodies[0], plan.changes
    speech.say("Lines read: %(lines)d; factors: %(rows)d; parts: %(parts)d.",
               lines=reading.lines, rows=len(reading.rows), parts=len(plan.bodies))  # fmt: skip
    if not plan.standing:
        speech.say("%(name)s is a new set.", name=head.name)
        return
    versions = sorted({each.version for each in plan.standing})
    speech.say("%(name)s stands in version %(old)s; %(new)s would change %(changed)d factors, add "
               "%(added)d, drop %(gone)d and leave %(same)d.", name=head.name,
               old=", ".join(versions), new=head.version, changed=changes.changed,
               added=changes.new, gone=changes.gone, same=changes.same)  # fmt: skip


def _report(speech: Speech, reading: Reading, plan: _Plan, *, written: bool) -> None:
    if speech.as_json:
        head, changes = plan.bodies[0], plan.changes
        speech.json(
            {
                "written": written,
                "set": head.name,
                "version": head.version,
                "lines": reading.lines,
                "factors": len(reading.rows),
                "parts": len(plan.bodies),
                "changes": {
                    "new": changes.new,
                    "changed": changes.changed,
                    "gone": changes.gone,
                    "unchanged": changes.same,
                },
                "refused": [],
            }
        )
        return
    speech.say("Written to the log." if written else "Nothing was written.")


# --- Reading -------------------------------------------------------------------------------


@factors.command("list")
@server_or_here_option
@token_option
@json_option
@pass_speech
def list_(speech: Speech, server: str | None, token: str | None) -> None:
    """The sets that stand."""
    items = asked_client(speech, server, token).entities("factors")
    if speech.as_json:
        speech.json({"items": items})
        return
    table = speech.table("Set", "Version", "Year", "Factors", "Publisher", right=("Factors",))
    for item in items:
        table.add_row(item["name"], item["version"], str(item["year"]), str(item["factors"]),
                      item["publisher"])  # fmt: skip
    speech.out.print(table)


@factors.command()
@click.argument("name", metavar="SET")
@click.option("--class", "of", help="URN of a class; rows for classes that contain it as well.")
@click.option("--region", help="Only rows for this region.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def show(
    speech: Speech,
    name: str,
    of: str | None,
    region: str | None,
    server: str | None,
    token: str | None,
) -> None:
    """The factors of a set that stands."""
    asked = {"class": of, "region": region}
    items = asked_client(speech, server, token).entities(f"factors/{name}", **asked)
    if speech.as_json:
        speech.json({"items": items})
        return
    table = speech.table("Name", "For", "Region", "Year", "Unit", "Factor", right=("Factor",))
    for item in items:
        table.add_row(item["name"], item["of"] or "", item["region"] or "", str(item["year"]),
                      item["unit"], _shown(item))  # fmt: skip
    speech.out.print(table)


def _shown(item: Mapping[str, Any]) -> str:
    """The gas with the largest mass, and how many others there are; else what it converts into."""
    if item["to"] is not None:
        return f"{item['factor']} {item['to']}"
    if not item["emissions"]:
        return f"{item['factor']} kgce"
    most = max(item["emissions"], key=lambda each: float(each["amount"]))
    others = len(item["emissions"]) - 1
    return f"{most['amount']} kg {most['gas']}" + (f" + {others}" if others else "")
