"""Conditions of the api floor, and the one table from every condition to its HTTP status.

The status is looked up along a class's ancestors, so the base classes carry the defaults and only
what differs is named. ``api.web.problems`` renders the answer (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from graph import errors as graph
from ledger import errors as ledger
from ledger.errors import CatchmentError


class ApiError(CatchmentError):
    """Any condition of the api floor."""


# --- Starting ------------------------------------------------------------------------------


class SettingRefused(ApiError):
    code = "setting-refused"
    sentence = "The setting “%(text)s” is refused: %(reason)s."
    advice = "Correct the environment variable, or leave it out."


class SigningKeyMissing(ApiError):
    code = "signing-key-missing"
    sentence = "There is no signing key."
    advice = "Begin a log first, or name the key's PEM file in CATCHMENT_SIGNING_KEY."


class SealingKeyRefused(ApiError):
    code = "sealing-key-refused"
    sentence = "The key file %(path)s, which opens stored secrets, is refused: %(reason)s."
    advice = (
        "Restore the file from a backup; without it, partners and subscriptions are registered "
        "anew."
    )


class NoKeyInCustody(ApiError):
    code = "no-key-in-custody"
    sentence = "The operator holds no key of %(enterprise)s."
    advice = "Let the enterprise sign with its own key, and submit that."


class SigningKeyExposed(ApiError):
    code = "signing-key-exposed"
    sentence = "Other users of this machine may read the signing key."
    advice = "Run chmod 600 on it. If somebody may have copied it, begin a new log."


class BackupElsewhere(ApiError):
    """A database server is copied by its own tools, which know how to do it while it is in use."""

    code = "backup-elsewhere"
    sentence = "This command copies SQLite files; the log is in %(dialect)s."
    advice = (
        "Run pg_dump --format=custom --file=FILE on the database; it may be in use meanwhile. "
        "The keys are not in it: keep copies of them in another safe place."
    )


class AddressRefused(ApiError):
    code = "address-refused"
    sentence = "The server cannot listen on %(host)s, port %(port)d: %(reason)s."
    advice = "Stop what listens there already, or choose another address with --host and --port."


class DemoInProduction(ApiError):
    """The demonstration's keys can be derived by anybody."""

    code = "demo-in-production"
    sentence = "The demonstration is not loaded in production: everybody knows its keys."
    advice = "Load it into a log of its own, with CATCHMENT_ENV set to development."


# --- Tokens --------------------------------------------------------------------------------


class TokenMissing(ApiError):
    code = "token-missing"
    sentence = "This is answered only to callers with a token."
    advice = (
        "Send the header “Authorization: Bearer ctm_…”, or give the token to “catchment” with "
        "--token or in CATCHMENT_TOKEN; the operator issues tokens."
    )


class TokenInvalid(ApiError):
    code = "token-invalid"
    sentence = "The token is not known, has expired or was revoked."
    advice = "Check that the whole token was copied, or ask the operator for a new one."


class TokenExpired(TokenInvalid):
    """An access token that was good until now: whoever holds it fetches another."""

    code = "token-expired"
    sentence = "The access token has expired."
    advice = "Fetch a new one at /auth/token, as you fetched this one."


class ScopeMissing(ApiError):
    """An OAuth client asks for what it was not registered for, or did not ask a token for."""

    code = "scope-missing"
    sentence = "This needs an access token with the scope “%(scope)s”."
    advice = "Fetch a token with it; if it is refused you, ask the operator to add it."


class TokenRefused(ApiError):
    code = "token-refused"
    sentence = "This token cannot be issued: %(reason)s."


class AlreadyAdmitted(ApiError):
    code = "already-admitted"
    sentence = "The key %(kid)s of this request is registered already."
    advice = "Nothing is left to do; for another token there is “catchment token issue”."


class NoRecoveryKeys(ApiError):
    """The genesis names no offline keys, and nothing can add them later."""

    code = "no-recovery-keys"
    sentence = "This log has no recovery keys: its genesis names none."
    advice = "Restore the key from its copy. Without one, begin a new log, with recovery keys."


class TokenUnknown(ApiError):
    code = "token-unknown"
    sentence = "There is no token %(token)s."
    advice = "List the tokens, and copy the id from there."


# --- OAuth clients -------------------------------------------------------------------------


class ClientRefused(ApiError):
    code = "client-refused"
    sentence = "This client cannot be registered: %(reason)s."


class ClientUnknown(ApiError):
    code = "client-unknown"
    sentence = "There is no client %(client)s, or it was revoked."
    advice = "List the clients, and copy the id from there."


class TokenKeyRefused(ApiError):
    code = "token-key-refused"
    sentence = "The key file %(path)s, which signs access tokens, is refused: %(reason)s."
    advice = (
        "Run chmod 600 on it if others may read it; if it was read or damaged, delete it and start "
        "the server again: clients then fetch new tokens."
    )


class OAuthRefused(ApiError):
    """A token that is not granted; ``oauth_error`` is the word for it in RFC 6749, section 5.2."""

    code = "oauth-refused"
    sentence = "No access token is granted."
    oauth_error = "invalid_request"


class GrantMalformed(OAuthRefused):
    code = "grant-malformed"
    sentence = "The request for an access token is not understood: %(reason)s."
    advice = "Send it as RFC 6749 describes it in section 4.4.2."


class GrantInsecure(OAuthRefused):
    """A secret that came over the network for everybody to read."""

    code = "grant-insecure"
    sentence = "Access tokens are granted over https only."
    advice = "Use https. If a proxy ends it, the operator sets CATCHMENT_TRUSTED_PROXIES."


class ClientNotAuthenticated(OAuthRefused):
    """An unknown client, a wrong, expired or malformed secret, a revoked client: all told alike."""

    code = "client-not-authenticated"
    sentence = "The client is not known, or this is not its secret."
    advice = "Check that id and secret were copied as a whole, or ask the operator for new ones."
    oauth_error = "invalid_client"


class GrantTypeRefused(OAuthRefused):
    code = "grant-type-refused"
    sentence = "Only the grant type client_credentials is served."
    oauth_error = "unsupported_grant_type"


class ScopeRefused(OAuthRefused):
    code = "scope-refused"
    sentence = "The client is not registered for everything that it asks for."
    advice = "Ask for less, or leave “scope” out to be granted all that the client may."
    oauth_error = "invalid_scope"


# --- Requests ------------------------------------------------------------------------------


class RequestRefused(ApiError):
    """A request that cannot be understood, whatever it is about."""

    code = "request-refused"
    sentence = "The request cannot be understood."


class BodyEmpty(RequestRefused):
    code = "body-empty"
    sentence = "The request has no body."
    advice = "Send what the operation expects as the body of the request."


class TooLarge(RequestRefused):
    code = "too-large"
    sentence = "The body is larger than the %(limit)d bytes that are taken here."
    advice = "Send less at a time: split a batch, or a long list into parts."


class MediaTypeRefused(RequestRefused):
    code = "media-type-refused"
    sentence = "A body of the type “%(found)s” is not taken here."
    advice = "Set Content-Type to %(expected)s."


class ParametersRefused(RequestRefused):
    """Query parameters that do not fit; ``problems`` lists every ``(path, sentence)``."""

    code = "parameters-refused"
    sentence = "A parameter does not fit: %(problem)s"
    advice = "Correct the parameters listed under 'problems'."

    def __init__(self, where: str, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__(where, problem=problems[0][1])
        self.problems = problems


class BodyRefused(ParametersRefused):
    """A JSON body that does not have the members it should."""

    code = "body-refused"
    sentence = "The body does not have the expected form: %(problem)s"
    advice = "Correct the members listed under 'problems'."


class BatchRefused(ApiError):
    """An atomic batch with refusals; the problem document also carries every result."""

    code = "batch-refused"
    sentence = "%(refused)d of %(size)d statements were refused, so none was stored."
    advice = "Correct those whose result has a problem, and send the batch again."


class CriterionRefused(ApiError):
    code = "criterion-refused"
    sentence = "The filter %(name)s is not understood: %(reason)s."
    advice = "Correct it, or leave it out."


class EventMalformed(RequestRefused):
    """An event that another host sent, and that is none of PACT's."""

    code = "event-malformed"
    sentence = "The event is not understood: %(reason)s."
    advice = "Correct it, and send the event again under the same id."

    def __init__(self, where: str = "", *, reason: object) -> None:
        super().__init__(where, reason=reason)
        self.problems = ((where, str(reason)),) if where else ()


class EventFromElsewhere(ApiError):
    """An event whose source is not the host that its sender is registered for."""

    code = "event-from-elsewhere"
    sentence = "The source “%(source)s” is not the address registered for the host that sent it."
    advice = "Write the registered address as the source, or ask the operator to register this one."


class SenderUnknown(ApiError):
    """An event of a caller that no partner was registered with."""

    code = "sender-unknown"
    sentence = "Events are taken from registered hosts only, and this client belongs to none."
    advice = "Ask the operator to register your host as a partner with this client."


class DeliveryFailed(ApiError):
    """An event that its recipient did not take, for a ``reason`` in words.

    It is sent again, ``retry_after`` seconds later at the earliest, unless this is ``final``; with
    ``about_event`` the recipient refused this one and may take others.
    """

    code = "delivery-failed"
    sentence = "The event was not taken: %(reason)s"

    def __init__(
        self,
        reason: str,
        retry_after: int | None = None,
        final: bool = False,
        *,
        about_event: bool = False,
    ) -> None:
        super().__init__(reason=reason)
        self.reason, self.retry_after = reason, retry_after
        self.final, self.about_event = final, about_event


class DeliveryUnknown(ApiError):
    code = "delivery-unknown"
    sentence = "There is no event %(serial)s in the outbox."
    advice = "List the events, and copy the number from there; old ones are not kept."


class UrlRefused(ApiError):
    """A URL that nothing is sent to; ``reason`` is told to whoever gave it."""

    code = "url-refused"
    sentence = "Nothing is sent to this address: %(reason)s."
    advice = "Give an https:// address that can be reached from the public internet."


class SubscriptionUnknown(ApiError):
    code = "subscription-unknown"
    sentence = "You have no subscription %(id)s."
    advice = "List your subscriptions, and copy the id from there."


class SubscriptionRefused(ApiError):
    code = "subscription-refused"
    sentence = "This cannot be subscribed to: %(reason)s."


class TooManySubscriptions(ApiError):
    code = "too-many-subscriptions"
    sentence = (
        "There are %(most)d subscriptions already, which is as many as one subscriber may have."
    )
    advice = "End one that you no longer need."


class TestUnderWay(ApiError):
    """A second test event while the first has not arrived."""

    __test__ = False  # no test of pytest's
    code = "test-under-way"
    sentence = "The last test event has not arrived yet."
    advice = "Look at the deliveries for what became of it."


class EventNotYours(ApiError):
    code = "event-not-yours"
    sentence = "The subscription has no event %(event)s."
    advice = "List its deliveries, and copy the id from there; old ones are not kept."


class SignatureRefused(ApiError):
    """A webhook that did not come from whom it says, or not now."""

    code = "signature-refused"
    sentence = "The signature of the event is refused: %(reason)s."


class AskingForEnterprises(ApiError):
    code = "asking-for-enterprises"
    sentence = "Requests are made and answered by enterprises, and this token speaks for none."
    advice = "Use a token that was issued to an enterprise with a role other than auditor."


class NobodyToAsk(ApiError):
    code = "nobody-to-ask"
    sentence = "There is nobody to ask: %(reason)s."
    advice = "Look the product up, and ask for it by its id, or name its maker in companyId."


class DueRefused(ApiError):
    code = "due-refused"
    sentence = "%(due)s is no day to be answered by: from today on, at most %(days)d days ahead."
    advice = "Choose a day in between, or leave it out for 30 days from now."


class TooManyRequestsOpen(ApiError):
    """A buyer that floods the inboxes of others."""

    code = "too-many-requests-open"
    sentence = (
        "Of one enterprise at most %(most)d requests are open, and at most %(at_once)d are made at "
        "once."
    )
    advice = "Wait for answers, or ask for less at a time."


class RequestUnknown(ApiError):
    """There is none, or it is between others: nobody is told which."""

    code = "request-unknown"
    sentence = "There is no request %(request)s of yours."
    advice = "List your requests, and copy the id from there."


class AskingUnknown(ApiError):
    code = "asking-unknown"
    sentence = "You have not asked for anything under %(asking)s."
    advice = "List the requests you have sent, and copy “asking” from there."


class RequestEnded(ApiError):
    code = "request-ended"
    sentence = "The request %(request)s has ended already, and stays as it is."
    advice = "Look at what became of it."


class AnswerRefused(ApiError):
    code = "answer-refused"
    sentence = "The footprint %(footprint)s does not answer the request: %(reason)s."
    advice = "Choose one in force of the product asked for, or state a new one."


class AnswerNotDisclosed(ApiError):
    """``statement`` is the statement to sign, filled in."""

    code = "answer-not-disclosed"
    sentence = "The footprint %(footprint)s has not been disclosed to %(buyer)s, who asked for it."
    advice = (
        "Sign and submit this statement: %(statement)s. The request is then answered by itself."
    )


class FootprintNotFound(ApiError):
    """There is none, or its owner has not opened it to the caller: nobody is told which."""

    code = "footprint-not-found"
    sentence = "There is no footprint with this id among those that you may read."
    advice = "Check the id, or ask its owner to disclose the product's footprint to you."


class PlainHttpRefused(ApiError):
    code = "plain-http-refused"
    sentence = "This is answered over HTTPS only."
    advice = (
        "Ask again at an address that begins with https:. If it did, the operator has to let the "
        "server trust its proxy: CATCHMENT_TRUSTED_PROXIES."
    )


class StatementNotFound(ApiError):
    code = "statement-not-found"
    sentence = "There is no statement %(digest)s that you may read."
    advice = "Check the digest. Private statements are shown only to those they are meant for."


# --- Files and servers, met at the command line ------------------------------------------------


class FileRefused(ApiError):
    """A file that is not what it should be."""

    code = "file-refused"
    sentence = "%(path)s cannot be used: %(reason)s."


class WouldOverwrite(ApiError):
    code = "would-overwrite"
    sentence = "%(path)s exists already and is left as it is."
    advice = "Choose another name, or move the file away first."


class KeyFileRefused(FileRefused):
    code = "key-file-refused"
    sentence = "The key file %(path)s cannot be used: %(reason)s."
    advice = "Try again, restore it from your backup, or make another with “catchment keygen”."


class InsecureDevelopmentKey(KeyFileRefused):
    """A key whose secret others know, such as that of the demonstration."""

    code = "insecure-development-key"
    sentence = "The key file %(path)s is marked insecure: others know its secret."
    advice = "In production make a key of your own with “catchment keygen”."


class WitnessesRefused(FileRefused):
    code = "witnesses-refused"
    sentence = "%(path)s does not say which witnesses to ask: %(reason)s."
    advice = 'It holds {"witnesses": [{"url", "vkey"}], "quorum": 1}.'


class TableRefused(FileRefused):
    """A spreadsheet or CSV file that is not read at all."""

    code = "table-refused"
    sentence = "The file is refused: %(reason)s."
    advice = "Begin with the workbook that “catchment import template” writes."


class FactorTableRefused(TableRefused):
    """A table that is not of the layout it is said to have."""

    code = "factor-table-refused"
    sentence = "The table of factors is refused: %(reason)s."
    advice = "Choose another --layout; docs/factors.md says which columns each of them has."


class IndicatorTableRefused(TableRefused):
    """A table that is no rule table of indicators."""

    code = "indicator-table-refused"
    sentence = "The rule table is refused: %(reason)s."
    advice = (
        "Its columns are id, title, class, quantity, operator and threshold, and as needed "
        "title_zh, per, weight, when, at_least, below, park_type and source."
    )


class IndicatorNameTaken(ApiError):
    """A system that would have the name of one that every log has."""

    code = "indicator-name-taken"
    sentence = "The system “%(name)s” is built in, and is not stated."
    advice = "Give yours another name."


class ReadingsRefused(TableRefused):
    """A table of readings that is not read at all."""

    code = "readings-refused"
    sentence = "The table of readings is refused: %(reason)s."
    advice = "Give it two columns, “time” and “value” (时间 and 读数), and a row for each reading."


class CellRefused(ApiError):
    """A cell that does not hold what its column is for; raised by what parses one cell."""

    code = "cell-refused"
    sentence = "“%(text)s” does not belong in this column."


class AmountRefused(CellRefused):
    code = "amount-refused"
    sentence = "“%(text)s” is not a plain decimal."
    advice = "Write it without separators, exponent or unit, such as 1234.5."


class PeriodRefused(CellRefused):
    code = "period-refused"
    sentence = "“%(text)s” is not a period within one calendar year."
    advice = "Write 2025, 2025-Q3, 2025-07 or 2025-01-01/2025-07-01 (the last day excluded)."


class NegativeReading(CellRefused):
    code = "negative-reading"
    sentence = "“%(text)s” is negative, and no meter reads less than 0."
    advice = "State what flows back with a meter of its own, whose flow is sold."


class TimeRefused(CellRefused):
    code = "time-refused"
    sentence = "“%(text)s” is not a time."
    advice = "Write 2025-01-31 08:15, the time at the site, or 2025-01-31T08:15:00+08:00."


class TimeSkipped(CellRefused):
    """A local time between the two that a clock jumps from and to."""

    code = "time-skipped"
    sentence = "There was no %(text)s in %(zone)s: clocks were put forward over it."
    advice = "Write it with its offset from UTC, such as 2025-03-30T03:15:00+02:00."


class TimeTwice(CellRefused):
    """A local time that a clock shows twice when it is put back."""

    code = "time-twice"
    sentence = "There were two %(text)s in %(zone)s: clocks were put back over it."
    advice = "Write which one is meant by its offset from UTC, such as %(first)s or %(second)s."


class NumberRefused(CellRefused):
    code = "number-refused"
    sentence = "“%(text)s” is not a whole number from %(least)d to %(most)d."


class CodeUnknown(CellRefused):
    code = "code-unknown"
    sentence = "There is no %(kinds)s “%(text)s” in this file or in the log."
    advice = "Correct the code, or add a row for it to its own sheet."


class WordUnknown(CellRefused):
    code = "word-unknown"
    sentence = "“%(text)s” is not a word of this column."
    advice = "Write one of %(choices)s."


class FuelUnknown(CellRefused):
    code = "fuel-unknown"
    sentence = "No fuel of China's reporting guides is called “%(text)s”."
    advice = (
        "Write one of their names, such as 天然气, or the URN of the fuel in a set of factors, "
        "such as urn:catchment:fuel:natural-gas."
    )


class NameUnknown(ApiError):
    code = "name-unknown"
    sentence = "There is no %(kind)s “%(text)s”."
    advice = "Give its id, or a part of its name that no other has."


class NameAmbiguous(NameUnknown):
    code = "name-ambiguous"
    sentence = "More than one %(kind)s is called “%(text)s”: %(choices)s."


class ServerUnreachable(ApiError):
    code = "server-unreachable"
    sentence = "%(url)s does not answer: %(reason)s."
    advice = "Check the address and your connection, and try again."


class WitnessUnhelpful(ApiError):
    """A witness that answers, but without a cosignature of its own; told in the server's log."""

    code = "witness-unhelpful"
    sentence = "The witness at %(url)s did not cosign (status %(status)d)."
    advice = "Ask whoever runs it; the log goes on without it."


class AnswerNotUnderstood(ApiError):
    code = "answer-not-understood"
    sentence = "%(url)s gave an answer that is not Catchment's."
    advice = "Check that the address is that of a Catchment server."


class CredentialsRefused(ApiError):
    code = "credentials-refused"
    sentence = "%(url)s grants no token: %(reason)s."
    advice = "Check the client id and its secret, or ask the operator for new ones."


# --- Reading what others have said -----------------------------------------------------------


class NothingPublished(ApiError):
    code = "nothing-published"
    sentence = "No figure of the %(kind)s %(id)s has been published that you may read."
    advice = "Its owner publishes one with “catchment publish”."


class NotDisclosed(ApiError):
    """Something that exists but that its owner has not opened to the caller."""

    code = "not-disclosed"
    sentence = "The %(kind)s of %(id)s has not been disclosed to you."
    advice = "Ask its owner for a disclosure statement that names your enterprise."


class ShelfNotYours(ApiError):
    """What an enterprise hands out to whom, asked for by another."""

    code = "shelf-not-yours"
    sentence = "What enterprise %(id)s hands out, and to whom, is listed for itself and auditors."
    advice = (
        "Use a token of that enterprise. What it has opened to you is in GET /3/footprints, with "
        "its identifier as companyId."
    )


class FewerThanThree(ApiError):
    """A sum that would give away what one or two enterprises keep to themselves.

    ``problems`` names the products that stand in the way, for the owner of the figure only.
    """

    code = "fewer-than-three"
    sentence = (
        "This figure rests on undisclosed figures of one or two enterprises, which could be "
        "calculated from it."
    )
    advice = (
        "Ask these suppliers to disclose the footprints of what they deliver: with all of them "
        "disclosed, or three or more enterprises undisclosed, the figure is shown."
    )

    def __init__(self, where: str = "", problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(where)
        self.problems = problems


class RegionForAuditors(ApiError):
    """A region with an enterprise or a division in it, asked for by no auditor."""

    code = "region-for-auditors"
    sentence = (
        "A region with an enterprise or a division in it is shown to auditors: with the figures of "
        "its members it could tell what one enterprise keeps to itself."
    )
    advice = "Ask for a region of parks alone, or ask an auditor."


class NotByRecipe(ApiError):
    """A footprint that would stand for another year, or for somebody else's word."""

    code = "not-by-recipe"
    sentence = "Not all sites that make it have a recipe in force in %(year)s."
    advice = "State recipes for the year, or declare a footprint of the product."


class FigureOpenEnded(ApiError):
    """A figure of which only a lower bound is known."""

    code = "figure-open-ended"
    sentence = (
        "Something upstream is not stated in %(year)s and nothing can estimate it; a part of a "
        "footprint is no footprint."
    )
    advice = "See what is missing with “catchment product”, and ask the suppliers for it."


class MassUnknown(ApiError):
    """PACT asks for the mass of a declared unit."""

    code = "mass-unknown"
    sentence = "The mass of a declared unit of %(product)s is not registered, and PACT asks for it."
    advice = "Register it as massPerUnit of the product; 0 for energy and services."


class FewerThanThreeTenants(ApiError):
    """A park's sum over one or two tenants that have not agreed to such sums."""

    code = "fewer-than-three-tenants"
    sentence = (
        "One or two tenants have not agreed to figures as small as these, and theirs could be "
        "calculated from the sum."
    )
    advice = (
        "Ask the tenants for a consent that lets the park read their inventory and see small "
        "aggregates, and submit their memberships again with it."
    )


class InventoriesNotOpen(ApiError):
    """Something that is told inventory by inventory, of tenants who keep theirs to themselves.

    ``problems`` names their sites, for whoever runs the park.
    """

    code = "inventories-not-open"
    sentence = "Not all tenants let the park read their inventories, which this is computed from."
    advice = (
        "Ask the tenants listed under 'problems' for a consent or a disclosure of their inventory, "
        "or ask an auditor."
    )

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.problems = problems


class OnlyYourOwn(ApiError):
    """A hypothetical change of what somebody else would have to say."""

    code = "only-your-own"
    sentence = "%(id)s is not yours, so you may not ask what would follow if it were otherwise."
    advice = "Change only what your enterprise itself could state; auditors may change anything."


class RangeTooLong(ApiError):
    """A difference between two prefixes that are too far apart."""

    code = "range-too-long"
    sentence = "A difference over %(entries)d entries is asked for; at most %(most)d are taken."
    advice = "Ask for shorter ranges one after another: their differences add up."


class WouldReveal(ApiError):
    """Two figures whose difference would give away what others keep to themselves."""

    code = "would-reveal"
    sentence = (
        "The difference between the two figures would tell something about %(name)s that has not "
        "been disclosed to you."
    )
    advice = (
        "Leave what you take in of undisclosed products as it is, or ask their owners to disclose "
        "the contributions to them."
    )


class EarlierPositionNotDisclosed(ApiError):
    """Two prefixes of the log that differ in one statement would give that statement away."""

    code = "earlier-position-not-disclosed"
    sentence = (
        "This figure rests on undisclosed figures of others; at another position of the log, the "
        "difference could give one of them away."
    )
    advice = "Ask without ?at=, or ask an auditor to look at the position."


class DayOutsideYear(ApiError):
    code = "day-outside-year"
    sentence = "The day %(day)s is asked about, and the year %(year)d, which it is not in."
    advice = "Leave out ?year=, or name a day of that year in ?valid_on=."


class FenceOutsideYear(ApiError):
    """A fence of a day that does not lie in the later of two years."""

    code = "fence-outside-year"
    sentence = "The fence of %(day)s is asked for, and the year %(year)d, which it is not in."
    advice = "Leave out ?fence_on=, or name a day of that year in it."


class AwardNotFound(ApiError):
    code = "award-not-found"
    sentence = "There is no award for %(reference)s that you may read."
    advice = "List those that you may read with “catchment awards”."


class IdentifierUnregistered(ApiError):
    code = "identifier-unregistered"
    sentence = "No registered product is found by %(identifier)s."
    advice = "Check the identifier and the supplier, or ask the supplier to register the product."


class IdentifierAmbiguous(ApiError):
    """An identifier that is claimed, and does not lead to one product for certain.

    ``problems`` lists address and name of every product it may mean.
    """

    code = "identifier-ambiguous"
    sentence = "It is not certain which product %(identifier)s means."
    advice = (
        "Name the supplier with it, or one of the products listed under 'problems' by its id: the "
        "registrar has not admitted the identifier for one of them alone."
    )

    def __init__(self, problems: tuple[tuple[str, str], ...], **params: object) -> None:
        super().__init__("", **params)
        self.problems = problems


class DayNotDisclosed(ApiError):
    """A year as of one of its days is a second sum over much of the same data."""

    code = "day-not-disclosed"
    sentence = (
        "This figure rests on undisclosed figures of others; as of one day, the difference from "
        "the year could give one of them away."
    )
    advice = "Ask without ?valid_on=, or ask an auditor to look at the day."


# --- Other hosts ---------------------------------------------------------------------------


class PartnerUnknown(ApiError):
    code = "partner-unknown"
    sentence = "No partner is registered as %(partner)s."
    advice = "“catchment partner list” shows those that are."


class PartnerExists(ApiError):
    code = "partner-exists"
    sentence = "There is a partner named %(name)s already."
    advice = "Choose another name, or remove that one first."


class PartnerClientTaken(ApiError):
    """An event is of one partner: of two with the same client nobody could tell which."""

    code = "partner-client-taken"
    sentence = "The client %(client)s is that of the partner %(name)s already."
    advice = "Register a client of its own for this host: catchment client add."


class PartnerRefused(ApiError):
    """An address that this server does not call."""

    code = "partner-refused"
    sentence = "The address %(url)s of a partner is refused: %(reason)s."
    advice = "Ask the partner for the address of its PACT host, such as https://pact.example."


class EnterpriseKnown(ApiError):
    code = "enterprise-known"
    sentence = "%(enterprise)s is registered under one of these identifiers already."
    advice = "Name it with --enterprise, or leave that identifier out."


class CalledHostUnreachable(ApiError):
    """Nobody answered, or not in time: the same may succeed later."""

    code = "called-host-unreachable"
    sentence = "%(host)s cannot be reached: %(reason)s."
    advice = "Try again later; if it stays so, ask the partner whether its host is up."


class CalledHostRefused(ApiError):
    """The host answered, and not with what was asked for."""

    code = "called-host-refused"
    sentence = "%(host)s answered %(status)d: %(message)s"
    advice = "If it is about the client or its rights, ask the partner's operator."


class CalledHostNotUnderstood(ApiError):
    """An answer that PACT does not have, is too large, or leads to another host."""

    code = "called-host-not-understood"
    sentence = "The answer of %(host)s is not taken: %(reason)s."
    advice = "Tell the partner's operator; nothing of this answer was kept."


# --- HTTP itself, and what nobody foresaw ----------------------------------------------------


class NotFound(ApiError):
    code = "not-found"
    sentence = "There is nothing at this address."
    advice = "The operations are listed at /docs."


class MethodNotAllowed(ApiError):
    code = "method-not-allowed"
    sentence = "This address does not answer this method."
    advice = "The header Allow names the methods it answers."


class TooManyRequests(ApiError):
    code = "too-many-requests"
    sentence = "Too many requests came from your address."
    advice = "Wait as long as the header Retry-After says, then go on more slowly."


class DatabaseUnavailable(ApiError):
    code = "database-unavailable"
    sentence = "The database does not answer."
    advice = "Try again in a moment; if it stays so, tell the operator."


class Internal(ApiError):
    """Anything unforeseen. The reference leads to the log entry; nothing else is told."""

    code = "internal"
    sentence = "Something went wrong on our side (reference %(reference)s)."
    advice = "Nothing was stored. Try again; if it happens again, tell the operator the reference."


STATUS: Final[Mapping[type[CatchmentError], HTTPStatus]] = MappingProxyType(
    {
        ApiError: HTTPStatus.BAD_REQUEST,
        ledger.LedgerError: HTTPStatus.UNPROCESSABLE_ENTITY,
        graph.GraphError: HTTPStatus.UNPROCESSABLE_ENTITY,
        # Cannot be read at all.
        ledger.JsonRefused: HTTPStatus.BAD_REQUEST,
        ledger.EnvelopeRefused: HTTPStatus.BAD_REQUEST,
        ledger.NotCanonicalBase64: HTTPStatus.BAD_REQUEST,
        ledger.SubmissionMalformed: HTTPStatus.BAD_REQUEST,
        ledger.TrustRefused: HTTPStatus.BAD_REQUEST,
        ledger.EnvelopeTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ledger.BatchTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        # At odds with what the log holds now; it may be right on top of something else.
        ledger.JtiReused: HTTPStatus.CONFLICT,
        ledger.ChainExists: HTTPStatus.CONFLICT,
        ledger.StaleHead: HTTPStatus.CONFLICT,
        ledger.RevocationFinal: HTTPStatus.CONFLICT,
        ledger.TransferFinal: HTTPStatus.CONFLICT,
        ledger.NotInForce: HTTPStatus.CONFLICT,
        ledger.PayloadErased: HTTPStatus.GONE,
        ledger.NothingToSupersede: HTTPStatus.CONFLICT,
        ledger.AlreadyWithdrawn: HTTPStatus.CONFLICT,
        ledger.OverlappingPeriods: HTTPStatus.CONFLICT,
        ledger.PartsDisagree: HTTPStatus.CONFLICT,
        ledger.IdTaken: HTTPStatus.CONFLICT,
        ledger.CertificateUsed: HTTPStatus.CONFLICT,
        ledger.AlreadyInitialised: HTTPStatus.CONFLICT,
        ledger.OldSizeDiffers: HTTPStatus.CONFLICT,
        # Said by somebody who may not say it.
        ledger.UnknownKey: HTTPStatus.FORBIDDEN,
        ledger.KeyRetired: HTTPStatus.FORBIDDEN,
        ledger.KeyRevoked: HTTPStatus.FORBIDDEN,
        ledger.KeySuspect: HTTPStatus.FORBIDDEN,
        ledger.NotAccredited: HTTPStatus.FORBIDDEN,
        ledger.SelfVerification: HTTPStatus.FORBIDDEN,
        ledger.KeyExpired: HTTPStatus.FORBIDDEN,
        ledger.WrongIssuer: HTTPStatus.FORBIDDEN,
        ledger.RoleMissing: HTTPStatus.FORBIDDEN,
        ledger.NotInCustody: HTTPStatus.FORBIDDEN,
        ledger.NotAuthorised: HTTPStatus.FORBIDDEN,
        ledger.NotOwner: HTTPStatus.FORBIDDEN,
        ledger.LogDidNotSign: HTTPStatus.FORBIDDEN,
        # Asked for and not there.
        ledger.EntryNotFound: HTTPStatus.NOT_FOUND,
        ledger.TileNotFound: HTTPStatus.NOT_FOUND,
        ledger.LogNotWitnessed: HTTPStatus.NOT_FOUND,
        ledger.NotPublished: HTTPStatus.NOT_FOUND,
        ledger.OutsideTree: HTTPStatus.NOT_FOUND,
        graph.UnknownProduct: HTTPStatus.NOT_FOUND,
        graph.UnknownBoundary: HTTPStatus.NOT_FOUND,
        graph.NoSiteInDivision: HTTPStatus.NOT_FOUND,
        graph.UnknownMeter: HTTPStatus.NOT_FOUND,
        graph.UnknownFactorSet: HTTPStatus.NOT_FOUND,
        graph.IndicatorSystemUnknown: HTTPStatus.NOT_FOUND,
        graph.NoDataForYear: HTTPStatus.NOT_FOUND,
        graph.LogPositionUnknown: HTTPStatus.NOT_FOUND,
        graph.UnknownGwpSet: HTTPStatus.BAD_REQUEST,
        # Nothing the caller can mend.
        ledger.LogNotFound: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.SignerReplaced: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.TreeDamaged: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.TileTruncated: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.LogRolledBack: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.LogForked: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.HighWaterRefused: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.LogBusy: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.StoreUnsupported: HTTPStatus.INTERNAL_SERVER_ERROR,
        ledger.WitnessUnprepared: HTTPStatus.INTERNAL_SERVER_ERROR,
        ledger.StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
        ledger.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        ledger.StoreNewer: HTTPStatus.INTERNAL_SERVER_ERROR,
        ledger.StoreNotDurable: HTTPStatus.INTERNAL_SERVER_ERROR,
        SettingRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
        SigningKeyMissing: HTTPStatus.INTERNAL_SERVER_ERROR,
        SealingKeyRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
        SigningKeyExposed: HTTPStatus.INTERNAL_SERVER_ERROR,
        AddressRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
        BackupElsewhere: HTTPStatus.INTERNAL_SERVER_ERROR,
        DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
        # The request itself.
        TokenMissing: HTTPStatus.UNAUTHORIZED,
        TokenInvalid: HTTPStatus.UNAUTHORIZED,
        TokenUnknown: HTTPStatus.NOT_FOUND,
        PartnerUnknown: HTTPStatus.NOT_FOUND,
        PartnerExists: HTTPStatus.CONFLICT,
        PartnerClientTaken: HTTPStatus.CONFLICT,
        EnterpriseKnown: HTTPStatus.CONFLICT,
        CalledHostUnreachable: HTTPStatus.BAD_GATEWAY,
        CalledHostRefused: HTTPStatus.BAD_GATEWAY,
        CalledHostNotUnderstood: HTTPStatus.BAD_GATEWAY,
        TokenKeyRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
        ScopeMissing: HTTPStatus.FORBIDDEN,
        ClientUnknown: HTTPStatus.NOT_FOUND,
        ClientNotAuthenticated: HTTPStatus.UNAUTHORIZED,
        AlreadyAdmitted: HTTPStatus.CONFLICT,
        TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        MediaTypeRefused: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        BodyRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        BatchRefused: HTTPStatus.CONFLICT,
        StatementNotFound: HTTPStatus.NOT_FOUND,
        FootprintNotFound: HTTPStatus.NOT_FOUND,
        PlainHttpRefused: HTTPStatus.FORBIDDEN,
        EventFromElsewhere: HTTPStatus.FORBIDDEN,
        SenderUnknown: HTTPStatus.FORBIDDEN,
        DeliveryUnknown: HTTPStatus.NOT_FOUND,
        NothingPublished: HTTPStatus.NOT_FOUND,
        UrlRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        SubscriptionUnknown: HTTPStatus.NOT_FOUND,
        SubscriptionRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        TooManySubscriptions: HTTPStatus.CONFLICT,
        TestUnderWay: HTTPStatus.CONFLICT,
        EventNotYours: HTTPStatus.NOT_FOUND,
        AskingForEnterprises: HTTPStatus.FORBIDDEN,
        NobodyToAsk: HTTPStatus.UNPROCESSABLE_ENTITY,
        DueRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        TooManyRequestsOpen: HTTPStatus.CONFLICT,
        RequestUnknown: HTTPStatus.NOT_FOUND,
        AskingUnknown: HTTPStatus.NOT_FOUND,
        RequestEnded: HTTPStatus.CONFLICT,
        AnswerRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        AnswerNotDisclosed: HTTPStatus.CONFLICT,
        NotDisclosed: HTTPStatus.FORBIDDEN,
        ShelfNotYours: HTTPStatus.FORBIDDEN,
        FewerThanThree: HTTPStatus.FORBIDDEN,
        FewerThanThreeTenants: HTTPStatus.FORBIDDEN,
        InventoriesNotOpen: HTTPStatus.FORBIDDEN,
        RegionForAuditors: HTTPStatus.FORBIDDEN,
        EarlierPositionNotDisclosed: HTTPStatus.FORBIDDEN,
        DayNotDisclosed: HTTPStatus.FORBIDDEN,
        AwardNotFound: HTTPStatus.NOT_FOUND,
        IdentifierUnregistered: HTTPStatus.NOT_FOUND,
        IdentifierAmbiguous: HTTPStatus.CONFLICT,
        DayOutsideYear: HTTPStatus.UNPROCESSABLE_ENTITY,
        FenceOutsideYear: HTTPStatus.UNPROCESSABLE_ENTITY,
        OnlyYourOwn: HTTPStatus.FORBIDDEN,
        WouldReveal: HTTPStatus.FORBIDDEN,
        RangeTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
        graph.LoopGain: HTTPStatus.CONFLICT,
        graph.SitesWithoutOutput: HTTPStatus.CONFLICT,
        NotFound: HTTPStatus.NOT_FOUND,
        MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
        TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""From condition to status. A class not named has the status of its nearest ancestor that is."""


def status_of(error: CatchmentError | type[CatchmentError]) -> HTTPStatus:
    """The HTTP status of a condition.

    Raises
    ------
    KeyError
        For a class outside the three floors' vocabularies, which is a mistake in the code.
    """
    made = error if isinstance(error, type) else type(error)
    named = next((each for each in made.__mro__ if each in STATUS), None)
    if named is None:
        raise KeyError(made)
    return STATUS[named]
