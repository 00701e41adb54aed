"""Commands about other PACT hosts: registering them, and reading what they list."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Final

import click
import sqlalchemy as sa

from api.cli.figures import registered
from api.cli.local import existing, local_client, registrar_key
from api.cli.options import yes_option
from api.cli.speech import REFUSED, Speech, json_option, pass_speech, time_text
from api.errors import ClientUnknown, EnterpriseKnown
from api.oauth.clients import clients_of
from api.opening import open_services
from api.partners import companies, taking
from api.partners.calling import PactHost
from api.partners.companies import Newcomer, keys_of
from api.partners.partners import Partner, partners_of
from api.partners.taking import Taken
from api.services import Services
from api.settings import Settings
from api.tables import pulled
from ledger import identifiers
from ledger.standing import Standing
from ledger.statements import Enterprise
from ledger.store import reading

_SHOWN: Final = 50
_PARTNER = click.argument("which", metavar="PARTNER")


@click.group()
def partner() -> None:
    """Register other PACT hosts, which are read and told what is new."""


@partner.command()
@click.argument("name")
@click.option("--url", required=True, help="Address of its PACT host, without /3.")
@click.option("--enterprise", help="Whose host it is: id or name of a registered enterprise.")
@click.option("--admit", metavar="NAME", help="Whose host it is, where it is not registered: admit "
              "an enterprise of this name, known by each --identifier.")  # fmt: skip
@click.option("--identifier", "urns", multiple=True, metavar="URN", help="A URN of the company "
              "whose host it is; may be given several times.")  # fmt: skip
@click.option("--client-id", required=True, help="Who you are over there.")
@click.option("--secret", envvar="CATCHMENT_PARTNER_SECRET", show_envvar=True, help="Your secret "
              "over there. Better in the variable, or typed when asked for: others on this machine "
              "see command lines.")  # fmt: skip
@click.option("--auth-url", help="Where it issues tokens, if at another address.")
@click.option("--client", help="Id of the client it has here, with which it may send events.")
@click.option("--buyer", "buyers", multiple=True, help="Id or name of an enterprise that may read "
              "its footprints here; may be given several times.")  # fmt: skip
@json_option
@pass_speech
def add(
    speech: Speech,
    name: str,
    url: str,
    enterprise: str | None,
    admit: str | None,
    urns: tuple[str, ...],
    client_id: str,
    secret: str | None,
    auth_url: str | None,
    client: str | None,
    buyers: tuple[str, ...],
) -> None:
    """Register a host. Nothing is read before “catchment pull”."""
    if (enterprise is None) == (admit is None) or bool(admit) != bool(urns):
        raise click.UsageError("Give --enterprise, or --admit with an --identifier.")
    services = _services()
    partners_of(services).check(name, url, auth_url, client)
    known = [_enterprise(speech, services, each) for each in buyers]
    _check_client(services, client)
    owner = _enterprise(speech, services, enterprise) if enterprise else None
    if secret is None:
        secret = click.prompt("Secret", hide_input=True, err=True)
    added = partners_of(services).add(
        name=name,
        enterprise=owner or _admitted(services, str(admit), urns),
        url=url,
        auth_url=auth_url,
        client_id=client_id,
        secret=secret,
        client=client,
        buyers=known,
    )
    if speech.as_json:
        speech.json(dataclasses.asdict(added))
        return
    speech.say("The partner %(name)s is registered.", name=added.name)


@partner.command("list")
@json_option
@pass_speech
def list_(speech: Speech) -> None:
    """List the partners, without their secrets."""
    services = _services()
    found, standing = partners_of(services).active(), services.engine.standing()
    if speech.as_json:
        speech.json([dataclasses.asdict(each) for each in found])
        return
    table = speech.table("Name", "Enterprise", "Address", "Buyers", "Last pull")
    for each in found:
        buyers = ", ".join(_name(standing, buyer) for buyer in each.buyers)
        owner = _name(standing, each.enterprise)
        table.add_row(each.name, owner, each.url, buyers, time_text(each.pulled_at))
    speech.out.print(table)


@partner.command()
@_PARTNER
@json_option
@pass_speech
def show(speech: Speech, which: str) -> None:
    """Show a partner, and what became of what it lists."""
    services = _services()
    found, standing = partners_of(services).get(which), services.engine.standing()
    kept = _kept(services, found)
    if speech.as_json:
        speech.json(
            {**dataclasses.asdict(found), "pulled": [dataclasses.asdict(each) for each in kept]}
        )
        return
    rows = {
        speech.text("Name"): found.name,
        speech.text("Id"): found.id,
        speech.text("Enterprise"): _name(standing, found.enterprise),
        speech.text("Address"): found.url,
        speech.text("Tokens from"): found.auth_url or found.url,
        speech.text("You are there"): found.client_id,
        speech.text("It is here"): found.client or "",
        speech.text("Buyers"): ", ".join(_name(standing, each) for each in found.buyers),
        speech.text("Speaks of"): ", ".join(_name(standing, each) for each in found.companies),
        speech.text("Last pull"): time_text(found.pulled_at),
    }
    table = speech.table("", "")
    table.show_header = False
    for heading, value in rows.items():
        if value:
            table.add_row(heading, value)
    speech.out.print(table)
    _show_taken(speech, kept)


@partner.command()
@_PARTNER
@pass_speech
def remove(speech: Speech, which: str) -> None:
    """Read the host no more and take no events from it. What was taken over stays."""
    services = _services()
    found = partners_of(services).get(which)
    partners_of(services).remove(found)
    speech.say("The partner %(name)s is removed.", name=found.name)


@click.command()
@_PARTNER
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Read only what "
              "this filter of PACT lists, such as status=Active.")  # fmt: skip
@click.option("--full", is_flag=True, help="Look again at what was settled before.")
@click.option("--dry-run", is_flag=True, help="Tell what would come of it, and say nothing.")
@yes_option
@json_option
@pass_speech
def pull(
    speech: Speech, which: str, filters: tuple[str, ...], full: bool, dry_run: bool, yes: bool
) -> None:
    """Read a partner's footprints and take them over, as unsigned data of another host.

    Its companies become enterprises of this log whose keys the operator holds; you are asked before
    one is admitted. Who signs here is never overruled. Exits with 1 where something listed is wrong
    (malformed, or changed under its id), and with 3 where the host does not answer.
    """
    services = _services()
    found = partners_of(services).get(which)
    raws = _listed(speech, services, found, _filters(filters))
    settled, rest = ([], raws) if full else taking.sorted_out(services, found, raws)
    read, refused = taking.read_all(rest)
    waiting = taking.newcomers(services, found, read)
    _show_newcomers(speech, waiting)
    if waiting and not dry_run and (yes or (not speech.as_json and _is_agreed(speech))):
        found = _admit_all(services, found, waiting)
    with speech.progress() as bar:
        steps = taking.taking(services, found, read, dry_run=dry_run)
        track = bar.track(steps, total=len(read), description=speech.text("Taking over"))
        taken = [*settled, *refused, *track]
    if not dry_run:
        partners_of(services).was_pulled(found)
    _tell(speech, taken, waiting, dry_run=dry_run)
    if any(each.outcome in taking.WRONG for each in taken):
        click.get_current_context().exit(REFUSED)


def _listed(
    speech: Speech, services: Services, found: Partner, filters: dict[str, list[str]]
) -> list[bytes]:
    raws = PactHost(services, found).footprints(filters)
    with speech.progress() as bar:
        return list(bar.track(raws, description=speech.text("Reading")))


def _filters(given: tuple[str, ...]) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise click.UsageError("Write a filter as NAME=VALUE.")
        filters.setdefault(name, []).append(value)
    return filters


def _is_agreed(speech: Speech) -> bool:
    """Where nobody is there to ask, as at night, they wait, and the rest is taken over."""
    try:
        return click.confirm(speech.text("Admit them?"), err=True)
    except click.Abort as ended:
        if isinstance(ended.__context__, EOFError):
            return False
        raise


def _admit_all(services: Services, found: Partner, waiting: Sequence[Newcomer]) -> Partner:
    registrar = registrar_key(services.settings)
    for newcomer in waiting:
        found, _ = companies.admit(services, found, registrar, newcomer)
    return found


# --- Enterprises -----------------------------------------------------------------------------


def _enterprise(speech: Speech, services: Services, text: str) -> str:
    """Raises NameUnknown or NameAmbiguous."""
    client = local_client(services.settings, speech.language, services)
    return registered(client, "enterprises", text)


def _name(standing: Standing, enterprise: str) -> str:
    said = standing.enterprises.get(enterprise)
    body = said.statement.body if said else None
    return body.name if isinstance(body, Enterprise) else enterprise


def _admitted(services: Services, name: str, urns: tuple[str, ...]) -> str:
    """Say that there is an enterprise; raises EnterpriseKnown where one goes by a URN of it.

    Its key is made by the first pull that finds something of it.
    """
    for urn in urns:
        identifiers.parse(urn)
    for known in services.engine.standing().enterprises.values():
        body = known.statement.body
        if isinstance(body, Enterprise) and {*keys_of(body.identifiers)} & {*keys_of(urns)}:
            raise EnterpriseKnown(enterprise=body.name)
    return companies.registered(services, registrar_key(services.settings), name, urns)


def _check_client(services: Services, client: str | None) -> None:
    known = clients_of(services).list()
    if client is not None and client not in {each.id for each in known if not each.revoked_at}:
        raise ClientUnknown(client=client)


# --- What is told ----------------------------------------------------------------------------


def _show_newcomers(speech: Speech, waiting: Sequence[Newcomer]) -> None:
    if speech.as_json or not waiting:
        return
    speech.say(
        "These companies are not registered, or have no key; one that you hold would sign for them:"
    )
    table = speech.table("Company", "Known as")
    for each in waiting:  # all of them: who agrees has seen whom
        table.add_row(each.name, ", ".join(each.identifiers))
    speech.out.print(table)


def _tell(
    speech: Speech, taken: Sequence[Taken], waiting: Sequence[Newcomer], *, dry_run: bool
) -> None:
    if speech.as_json:
        footprints = [dataclasses.asdict(each) for each in taken]
        newcomers = [dataclasses.asdict(each) for each in waiting]
        speech.json({"dryRun": dry_run, "companies": newcomers, "footprints": footprints})
        return
    if dry_run:
        speech.say("Nothing was said; this would come of it:")
    _show_taken(speech, taken)


def _show_taken(speech: Speech, taken: Sequence[Taken]) -> None:
    counts = Counter(each.outcome for each in taken)
    table = speech.table("Outcome", "Footprints", right=("Footprints",))
    for outcome in taking.OUTCOMES:
        if counts[outcome]:
            table.add_row(speech.text(outcome), str(counts[outcome]))
    speech.out.print(table)
    left_out = [each for each in taken if each.outcome in taking.LEFT_OUT]
    if not left_out:
        return
    why = speech.table("Footprint", "Left out", "Why")
    for each in left_out[:_SHOWN]:
        why.add_row(each.id, speech.text(each.outcome), each.told)
    speech.out.print(why)
    _say_more(speech, len(left_out))


def _say_more(speech: Speech, count: int) -> None:
    if count > _SHOWN:
        speech.say("… and %(count)s more.", count=count - _SHOWN)


def _kept(services: Services, found: Partner) -> list[Taken]:
    query = sa.select(pulled).where(pulled.c.partner == found.id).order_by(pulled.c.id)
    with reading(services.database) as connection:
        rows = connection.execute(query).all()
    return [Taken(row.id, row.outcome, row.entry, row.told) for row in rows]


def _services() -> Services:
    return open_services(existing(Settings.from_env()))
