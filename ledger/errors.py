"""The vocabulary of what can be wrong with a statement, a proof or the log.

Every condition is a class, raised where it is known. It carries the words a supplier needs:
``sentence`` says what is wrong, ``where`` points into the document that was sent, ``advice`` says
what to do next. Sentences are templates over ``params`` so that another language can be chosen
where a person reads; nothing below the edges knows about HTTP or about languages.
"""

from __future__ import annotations

from typing import ClassVar


class CatchmentError(Exception):
    """A named condition. ``code`` is stable and public; texts may improve.

    Parameters
    ----------
    where:
        A path into what was sent (``/pact/pcf/declaredUnitAmount``, ``row 12``), or ``""``.
    params:
        Values for the ``%(name)s`` places in ``sentence`` and ``advice``.

    Some conditions list single ``problems``, each a path and a sentence.
    """

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "Something is wrong."
    advice: ClassVar[str] = ""
    problems: tuple[tuple[str, str], ...] = ()

    def __init__(self, where: str = "", **params: object) -> None:
        self.where = where
        self.params = params
        super().__init__(self.code, where, params)

    def __str__(self) -> str:
        said = self.sentence % self.params
        place = f" ({self.where})" if self.where else ""
        advice = f" {self.advice % self.params}" if self.advice else ""
        return f"{said}{place}{advice}"


class LedgerError(CatchmentError):
    """Any condition of the ledger floor."""


class StatementMalformed(LedgerError):
    """A statement breaks the rules of its type; ``problems`` lists every ``(path, sentence)``."""

    code = "statement-malformed"
    sentence = "The statement does not follow its type: %(problem)s"
    advice = "Correct the members listed under 'problems', sign again and submit again."

    def __init__(self, where: str, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__(where, problem=problems[0][1])
        self.problems = problems


class IdentifierRefused(LedgerError):
    """A business identifier that its own scheme does not allow.

    ``reason`` is one of ``syntax``, ``alphabet``, ``length``, ``check digit``.
    """

    code = "identifier-refused"
    sentence = "%(text)s is not a valid %(scheme)s identifier: its %(reason)s is wrong."
    advice = "%(expected)s Copy it again from the document that issued it."


class UnitUnknown(LedgerError):
    """A unit that statements are not made in."""

    code = "unit-unknown"
    sentence = "%(text)s is not a unit that amounts can be stated in."
    advice = (
        "Use a UN/CEFACT Recommendation 20 code from the published list, such as KGM, TNE, KWH, "
        "MTQ or H87, or a price such as CNY:2023:purchaser."
    )


class UnitAmbiguous(UnitUnknown):
    """A word that different people read as different units."""

    code = "unit-ambiguous"
    sentence = "%(text)s can mean more than one unit."
    advice = "Write %(choices)s."


class UnitMismatch(LedgerError):
    """Two units of different kinds, with nothing known that bridges them."""

    code = "unit-mismatch"
    sentence = (
        "An amount in %(source)s (%(source_dimension)s) cannot be turned into %(target)s "
        "(%(target_dimension)s)."
    )
    advice = (
        "State the amount in a unit of %(target_dimension)s, or state the product's mass per "
        "%(target)s if the amount is a mass."
    )


class UnitNotInPact(LedgerError):
    """A unit that has no word in PACT's ``declaredUnitOfMeasurement``."""

    code = "unit-not-in-pact"
    sentence = "PACT has no declared unit for %(text)s."
    advice = "Convert the amount first, to one of: %(choices)s."


class GasUnknown(LedgerError):
    """A substance that direct emissions cannot name."""

    code = "gas-unknown"
    sentence = "%(text)s is not a known greenhouse gas."
    advice = "%(hint)s"


class GwpSetRefused(LedgerError):
    """A GWP set where none belongs, or none (or a wrong one) where CO2e is stated."""

    code = "gwp-set-refused"
    sentence = "An emission of %(gas)s cannot be stated under the GWP set %(stated)s."
    advice = (
        "CO2e names the set it was computed with (%(choices)s); every other substance is stated "
        "in kilograms of itself and names none."
    )


# --- JSON, base64 and keys -----------------------------------------------------------------


class JsonRefused(LedgerError):
    """A document that two readers could understand differently, or that is not JSON at all."""

    code = "json-refused"
    sentence = "This is not JSON that every reader understands in the same way."


class NotUtf8(JsonRefused):
    code = "json-not-utf8"
    sentence = "The text is not UTF-8, or it begins with a byte order mark."
    advice = "Save it as UTF-8 without a byte order mark."


class JsonSyntax(JsonRefused):
    code = "json-syntax"
    sentence = "This is not valid JSON: %(reason)s."
    advice = "Check the text with a JSON validator."


class DuplicateKey(JsonRefused):
    code = "json-duplicate-key"
    sentence = "The member “%(key)s” is given twice."
    advice = "Keep one of the two: readers disagree on which of them counts."


class FloatRefused(JsonRefused):
    code = "json-float-refused"
    sentence = "A number with a fraction or an exponent is not accepted here."
    advice = 'Write quantities as decimal strings, such as "12.5".'


class IntegerTooLarge(JsonRefused):
    code = "json-integer-too-large"
    sentence = "A whole number is larger than 9007199254740991, and readers would round it."
    advice = "Write it as a string."


class TooDeep(JsonRefused):
    code = "json-too-deep"
    sentence = "The document nests more than %(limit)d levels deep."
    advice = "Flatten it."


class LoneSurrogate(JsonRefused):
    code = "json-lone-surrogate"
    sentence = "A text holds half of a UTF-16 surrogate pair, which is no character."
    advice = "Repair the text, or remove the broken character."


class NotCanonicalBase64(LedgerError):
    code = "base64-not-canonical"
    sentence = "This is not base64 in its one canonical spelling."
    advice = "Use the prescribed alphabet, no line breaks, and zero for the unused trailing bits."


class KeyRefused(LedgerError):
    """A key that cannot be used here, or that would let its owner disown what it signs."""

    code = "key-refused"
    sentence = "This key is refused: %(reason)s."
    advice = "Make a new Ed25519 or P-256 key, and send only its public part."


class SignatureInvalid(LedgerError):
    code = "signature-invalid"
    sentence = "The signature does not match the content and the key."
    advice = "Sign exactly the bytes that are sent, with the key that is named."


# --- Envelopes -----------------------------------------------------------------------------


class EnvelopeRefused(LedgerError):
    """An envelope that is not one of ours, whoever signed it."""

    code = "envelope-refused"
    sentence = "This is not a signed envelope of the accepted form."


class EnvelopeTooLarge(EnvelopeRefused):
    code = "envelope-too-large"
    sentence = "The %(part)s has %(size)d bytes; at most %(limit)d are accepted."
    advice = "Split long lists into parts."


class NotCompact(EnvelopeRefused):
    code = "envelope-not-compact"
    sentence = "A JWS in compact form has exactly two dots; this has %(dots)d."
    advice = "Send header.payload.signature, each in base64url without padding."


class KidRefused(EnvelopeRefused):
    code = "envelope-kid-refused"
    sentence = "kid is not the thumbprint of a key."
    advice = "Set kid to the RFC 7638 thumbprint of the key that signs: 43 base64url characters."


class HeaderRefused(EnvelopeRefused):
    code = "envelope-header-refused"
    sentence = "The protected header must be exactly alg, kid and typ, each a text."
    advice = "Leave out every other header member."


class AlgorithmRefused(EnvelopeRefused):
    code = "envelope-algorithm-refused"
    sentence = "The algorithm “%(alg)s” is not accepted."
    advice = "Sign with Ed25519 (EdDSA) or with P-256 (ES256)."


class TypMismatch(EnvelopeRefused):
    code = "envelope-typ-mismatch"
    sentence = "The envelope says it is “%(found)s”; a “%(expected)s” belongs here."
    advice = "Set typ to what the envelope is meant for, and sign it again."


class SignatureMalformed(EnvelopeRefused):
    code = "envelope-signature-malformed"
    sentence = "A signature has 64 bytes; this has %(size)d."
    advice = "For ES256 send r and s, 32 bytes each, not their DER form."


class PayloadNotObject(EnvelopeRefused):
    code = "envelope-payload-not-object"
    sentence = "The payload must be a JSON object."
    advice = "Wrap the content in { }."


class KidMismatch(LedgerError):
    code = "kid-mismatch"
    sentence = "The envelope names the key %(named)s, but it was checked with %(used)s."
    advice = "Set kid to the RFC 7638 thumbprint of the key that signs."


class AlgorithmMismatch(LedgerError):
    """The header asks for another algorithm than the registered key has."""

    code = "algorithm-mismatch"
    sentence = "The header says %(named)s, but the registered key signs with %(used)s."
    advice = "Use the algorithm of the registered key."


# --- Tree, notes and receipts --------------------------------------------------------------


class ProofMismatch(LedgerError):
    code = "proof-mismatch"
    sentence = "The proof does not hold: %(reason)s."
    advice = "Fetch the proof again; if it still fails, keep it and the checkpoint as evidence."


class OutsideTree(LedgerError):
    code = "outside-tree"
    sentence = "There is no such entry or size in a tree of %(size)d entries."
    advice = "Ask for an index below the size, and for sizes between 1 and the current one."


class TileTruncated(LedgerError):
    code = "tile-truncated"
    sentence = "Tile %(index)d of level %(level)d has %(found)d bytes; %(wanted)d are needed."
    advice = "The stored tree is incomplete: restore it before anything more is signed."


class NoteRefused(LedgerError):
    code = "note-refused"
    sentence = "The signed note is refused: %(reason)s."
    advice = "Fetch it again, and check that the verifier key is the one you trust."


class CheckpointRefused(LedgerError):
    code = "checkpoint-refused"
    sentence = "The checkpoint is refused: %(reason)s."
    advice = "Fetch it again from the log whose origin you trust."


class ReceiptRefused(LedgerError):
    code = "receipt-refused"
    sentence = "The receipt is refused: %(reason)s."
    advice = "Fetch the receipt again from the log that issued it."


class LeafRefused(LedgerError):
    code = "leaf-refused"
    sentence = "This is not a leaf record: %(reason)s."
    advice = "A leaf record is the exact canonical JSON that the log hashed."


# --- Admission: who may say what, and when -------------------------------------------------


class AdmissionRefused(LedgerError):
    """A well-formed statement that the log does not take as things stand."""

    code = "admission-refused"
    sentence = "The log does not take this statement."


class ForeignLog(AdmissionRefused):
    code = "foreign-log"
    sentence = (
        "The statement is meant for another log (%(named)s, begun with %(begun)s); this one is "
        "%(origin)s, begun with %(genesis)s."
    )
    advice = "Set log to the origin and genesis digest of this log, and sign again."


class ClockSkew(AdmissionRefused):
    code = "clock-skew"
    sentence = "iat lies %(seconds)d seconds %(side)s the time in which the log takes statements."
    advice = "Set the clock of the signing computer, take a new iat and jti, and sign again."


class JtiReused(AdmissionRefused):
    code = "jti-reused"
    sentence = "This key used the jti %(jti)s before, for other content."
    advice = "Take new random bits for jti, and sign again."


class UnknownKey(AdmissionRefused):
    code = "unknown-key"
    sentence = "No key %(kid)s is registered in this log."
    advice = "Ask the registrar to register the key, or sign with one that is registered."


class KeyRetired(AdmissionRefused):
    code = "key-retired"
    sentence = "The key %(kid)s was replaced by %(successor)s."
    advice = "Sign with the key that replaced it."


class KeyExpired(AdmissionRefused):
    code = "key-expired"
    sentence = "The key %(kid)s could sign until %(until)s."
    advice = "Rotate to a new key, or ask the registrar to register one."


class KeyRevoked(AdmissionRefused):
    code = "key-revoked"
    sentence = "The key %(kid)s was revoked (%(reason)s)."
    advice = "Sign with another registered key, or ask the registrar for one."


class KeySuspect(AdmissionRefused):
    """The key was registered by a key that others may have used."""

    code = "key-suspect"
    sentence = "The registration of the key %(kid)s is suspect: the key behind it was compromised."
    advice = "Ask the registrar to register the key again, then sign again."


class WrongIssuer(AdmissionRefused):
    code = "wrong-issuer"
    sentence = "iss is %(iss)s, but the key belongs to %(enterprise)s."
    advice = "Set iss to the enterprise whose key signs; name the one spoken for in subject."


class RoleMissing(AdmissionRefused):
    code = "role-missing"
    sentence = "The key lacks the role “%(role)s”, which this statement needs."
    advice = "Sign with a key that has the role, or ask the registrar for one."


class NotInCustody(AdmissionRefused):
    code = "not-in-custody"
    sentence = "A footprint read from another host can only be said with a key in custody."
    advice = "Leave external out: what you sign with your own key is your own word."


class NotAuthorised(AdmissionRefused):
    code = "not-authorised"
    sentence = "%(iss)s may not say this for %(subject)s: %(reason)s."
    advice = "Let the enterprise itself sign, or ask it for a delegation that has not run out."


class ChainExists(AdmissionRefused):
    code = "chain-exists"
    sentence = "This has been stated before (%(key)s)."
    advice = "To correct it, or to go on after a withdrawal, set prev to %(head)s and sign again."


class StaleHead(AdmissionRefused):
    """Somebody else was first: ``prev`` was in force once and is no longer."""

    code = "stale-head"
    sentence = "Another statement has superseded the one that prev names."
    advice = "Read the statement in force (%(head)s), and decide again on top of it."


class NothingToSupersede(AdmissionRefused):
    code = "nothing-to-supersede"
    sentence = "prev names a statement that this one cannot follow (%(prev)s)."
    advice = (
        "Leave prev out to open something new. To correct a statement, keep its type, ids and "
        "period, and name its digest."
    )


class AlreadyWithdrawn(AdmissionRefused):
    code = "already-withdrawn"
    sentence = "The statement that prev names is a withdrawal itself."
    advice = "Nothing is left to withdraw."


class NotWithdrawable(AdmissionRefused):
    code = "not-withdrawable"
    sentence = "A statement of type %(type)s cannot be withdrawn."
    advice = "Correct it instead; a key ends by rotation or by its last day."


class CertificateUsed(AdmissionRefused):
    """A serial number of a registry counts once in the whole log."""

    code = "certificate-used"
    sentence = "Certificate %(serial)s of %(registry)s is used up already, by entry %(entry)d."
    advice = (
        "Check the serial numbers. If another enterprise used yours, ask the registry who holds "
        "them. To correct your own statement, name it in prev."
    )


class CertificatesDiffer(AdmissionRefused):
    """A correction speaks of other serial numbers than the statement it follows."""

    code = "certificates-differ"
    sentence = "A correction keeps the serial numbers: there were %(count)d, now there are %(now)d."
    advice = (
        "Keep the count, or withdraw the statement and use the other numbers in one of their own."
    )


class ReadingOutsidePeriod(AdmissionRefused):
    """A reading was taken before or after the days that its statement is for."""

    code = "reading-outside-period"
    sentence = "The reading of %(at)s lies outside %(period)s at the site, in %(zone)s."
    advice = "Put it into the statement of its own month, or correct its offset from UTC."


class OverlappingPeriods(AdmissionRefused):
    code = "overlapping-periods"
    sentence = "%(period)s overlaps %(other)s, which is stated already (%(digest)s)."
    advice = "Choose periods that are identical or do not touch, or withdraw the other first."


class PartsDisagree(AdmissionRefused):
    code = "parts-disagree"
    sentence = "This is part of %(n)d, but parts of %(other)d are stated for %(period)s."
    advice = "Withdraw those parts first, or cut this statement into as many."


class UnknownReference(AdmissionRefused):
    code = "unknown-reference"
    sentence = "No %(kind)s %(id)s is in force in this log."
    advice = "Register the %(kind)s first, or correct the id."


class NotOwner(AdmissionRefused):
    code = "not-owner"
    sentence = "The %(kind)s %(id)s belongs to another enterprise."
    advice = "Only its owner, or whom the owner has delegated, may state this."


class IdTaken(AdmissionRefused):
    code = "id-taken"
    sentence = "The id %(id)s is in use already."
    advice = "Take a new random UUID, and sign again."


class ProofRefused(AdmissionRefused):
    code = "proof-refused"
    sentence = "The new key has not proved that its holder has it: %(reason)s."
    advice = (
        "Sign {log, enterprise, thumbprint} with the new key as a catchment-key-proof, and put "
        "that into proof."
    )


class ConsentRefused(AdmissionRefused):
    code = "consent-refused"
    sentence = "The consent of the site's owner does not hold: %(reason)s."
    advice = "Ask the owner to sign a consent for this log, park, site and these dates."


class AcceptanceRefused(AdmissionRefused):
    code = "acceptance-refused"
    sentence = "The acceptance of the new owner does not hold: %(reason)s."
    advice = (
        "Ask the new owner to sign {log, object, to, from, serial} of this transfer as a "
        "catchment-acceptance, and put that into acceptance."
    )


class RecoveryRefused(AdmissionRefused):
    code = "recovery-refused"
    sentence = "The recovery does not hold: %(reason)s."
    advice = (
        "Let as many recovery keys as the genesis asks for sign the same members, and put their "
        "catchment-recovery envelopes into approvals."
    )


class InTheFuture(AdmissionRefused):
    code = "in-the-future"
    sentence = "%(member)s lies in the future."
    advice = "State it when the time has come, or correct the date."


class TransferFinal(AdmissionRefused):
    code = "transfer-final"
    sentence = "This transfer is stated already."
    advice = "To undo it, let the new owner transfer the object back, under another serial."


class TransferTooEarly(AdmissionRefused):
    code = "transfer-too-early"
    sentence = "The object changed hands on %(other)s; it cannot have done so again by %(day)s."
    advice = "Correct the day, or leave the transfer out."


class RevocationFinal(AdmissionRefused):
    code = "revocation-final"
    sentence = "The key %(kid)s is revoked already, and stays so."
    advice = "Only the registrar corrects the reason or the time of a revocation."


class SelfVerification(AdmissionRefused):
    code = "self-verification"
    sentence = "%(verifier)s cannot verify what it said itself, or what was said for it."
    advice = "Ask a verifier that has no part in the statement."


class NotAccredited(AdmissionRefused):
    code = "not-accredited"
    sentence = (
        "%(verifier)s holds no accreditation in force on %(day)s for statements of type %(kind)s "
        "by %(standard)s."
    )
    advice = "Ask the registrar for an accreditation that covers type, standard and day."


class NotInForce(AdmissionRefused):
    code = "not-in-force"
    sentence = "The statement %(digest)s is not in force."
    advice = "Name the statement that superseded it, if that is meant."


class NotErasable(AdmissionRefused):
    code = "not-erasable"
    sentence = "The payload of a statement of type %(type)s cannot be erased."
    advice = "Other statements rest on it; correct or withdraw it instead."


class PrefixRefused(AdmissionRefused):
    code = "prefix-refused"
    sentence = "This log had another root after %(size)d entries."
    advice = "Compute the figure again from a checkpoint of this log, and name that checkpoint."


class GenesisRefused(AdmissionRefused):
    code = "genesis-refused"
    sentence = "This is not the genesis of this log: %(reason)s."
    advice = "Make a new genesis for the origin and checkpoint key that the log signs with."


# --- The log as a whole --------------------------------------------------------------------


class SignerReplaced(LedgerError):
    code = "signer-replaced"
    sentence = "The recovery keys of this log have named another checkpoint key: %(vkey)s."
    advice = "Start with the signing key of that name, or keep this log for reading."


class LogNotFound(LedgerError):
    code = "log-not-found"
    sentence = "There is no log in this database."
    advice = "Check CATCHMENT_DATA and DATABASE_URL, or begin a log with “catchment init”."


class AlreadyInitialised(LedgerError):
    code = "already-initialised"
    sentence = "This database holds a log already."
    advice = "Open it, or choose an empty database for a new log."


class BatchTooLarge(LedgerError):
    code = "batch-too-large"
    sentence = "%(size)d statements were sent at once; at most %(limit)d are taken."
    advice = "Send them in several batches."


class TreeDamaged(LedgerError):
    """Entries or tiles were changed or lost behind the log's back; it must not sign that."""

    code = "tree-damaged"
    sentence = "The stored tree of %(size)d entries is not the one whose checkpoint was signed."
    advice = "Stop appending, keep a copy of the database as evidence, and restore a sound one."


class TreeMiswritten(TreeDamaged):
    """The new entries as read back do not lead to the root over the new tiles as read back."""

    code = "tree-miswritten"
    sentence = "The tree of %(size)d entries was not written as it was computed."
    advice = "Nothing was stored or signed. Have the memory and the disk of this machine checked."


class LogRolledBack(LedgerError):
    """The database is an older state of the log; signing it would make a fork."""

    code = "log-rolled-back"
    sentence = "The database ends after %(size)d entries, but %(mark)d have been signed."
    advice = (
        "Nothing is appended; reading goes on. Bring the database up to the high-water mark with "
        "“catchment log rebuild” and an export, or restore the backup that holds all entries."
    )


class LogForked(LedgerError):
    """The database and the high-water mark are of two continuations of one log."""

    code = "log-forked"
    sentence = "The %(size)d entries of the database do not continue the %(mark)d signed last."
    advice = (
        "Nothing is appended; reading goes on. Another copy of this log was signed: stop this "
        "server, keep its database as evidence, and go on with the copy that leads to the mark."
    )


class HighWaterRefused(LedgerError):
    """A mark that cannot be read, or not be moved."""

    code = "high-water-refused"
    sentence = "The high-water mark %(path)s cannot be used: %(reason)s."
    advice = (
        "Put the latest checkpoint that anybody holds of this log in its place, as a signed note, "
        "and see that the server may write there."
    )


class LogBusy(LedgerError):
    """More statements wait than the log takes in; ``retry_after`` seconds from now it will."""

    code = "log-busy"
    sentence = "%(waiting)d statements are waiting to be appended already."
    advice = "Nothing was stored. Send it again in %(seconds)d seconds."

    def __init__(self, where: str = "", *, waiting: int, seconds: int) -> None:
        super().__init__(where, waiting=waiting, seconds=seconds)
        self.retry_after = seconds


class EntryNotFound(LedgerError):
    code = "entry-not-found"
    sentence = "The log has no entry %(entry)s."
    advice = "Check the index or digest, and that it is of this log."


class TileNotFound(LedgerError):
    code = "tile-not-found"
    sentence = "The log has no %(path)s."
    advice = "Ask for tiles that the latest checkpoint covers, under their C2SP tlog-tiles paths."


class PayloadErased(LedgerError):
    """What was said is gone for good; what was hashed of it is still there."""

    code = "payload-erased"
    sentence = "The payload of entry %(entry)d was erased; what rests on it is withheld."
    advice = "Ask about a later state of the log, or ask the owner for the statement."


class TrustRefused(LedgerError):
    code = "trust-refused"
    sentence = "%(path)s does not say which log to trust: %(reason)s."
    advice = "It holds origin, genesis and vkey; “catchment keygen --log URL” fetches one."


class SnapshotRefused(LedgerError):
    """A file with what stands in a log that cannot be used; the log is read in its place."""

    code = "snapshot-refused"
    sentence = "The snapshot %(path)s is not used: %(reason)s."
    advice = "Nothing is lost: it is written anew from the log. It can be deleted at any time."


class StoreUnsupported(LedgerError):
    code = "store-unsupported"
    sentence = "The ledger cannot be kept in %(dialect)s."
    advice = (
        "Give a database URL such as sqlite:////srv/catchment.db or "
        "postgresql://catchment@localhost/catchment."
    )


class StoreBusy(LedgerError):
    """Others kept the database from us for as long as we wait."""

    code = "store-busy"
    sentence = "The database was kept busy by others for %(seconds)d seconds."
    advice = "Nothing was stored. Try again in a moment."
    retry_after: ClassVar[int] = 5


class StoreFull(LedgerError):
    code = "store-full"
    sentence = "There is no room left where the database is kept."
    advice = "Nothing was stored. Once the operator has made room, send the same again."


class StoreUnavailable(LedgerError):
    """The database does not answer, or went away in the middle; ``reason`` is for the operator."""

    code = "store-unavailable"
    sentence = "The database cannot be used: %(reason)s."
    advice = (
        "Check that the database runs, that its disk is sound and has room, and DATABASE_URL; then "
        "send again what was not acknowledged: what was stored all the same is not stored twice."
    )


class StoreNewer(LedgerError):
    """A database that a later release has changed: this one would misread it."""

    code = "store-newer"
    sentence = (
        "The database has the structure %(found)s; this release knows structures up to %(known)s."
    )
    advice = "Install the release that upgraded the database, or a newer one."


class StoreNotDurable(LedgerError):
    """A database server that acknowledges what a power cut would take back."""

    code = "store-not-durable"
    sentence = "The database server has %(setting)s switched off: a power cut can lose entries."
    advice = "Switch it on in postgresql.conf and restart the server."


# --- Witnesses and forks -------------------------------------------------------------------


class NotPublished(LedgerError):
    """An entry that no witness can have seen yet."""

    code = "not-published"
    sentence = "No published checkpoint covers this yet."
    advice = "Ask again in a minute: checkpoints are published every so often."


class QuorumMissing(LedgerError):
    """Too few of the trusted witnesses cosigned; that says nothing against the checkpoint."""

    code = "quorum-missing"
    sentence = (
        "%(found)d of the %(quorum)d witnesses that are needed cosigned the tree of %(size)d "
        "entries; missing: %(missing)s."
    )
    advice = "Wait a minute, and fetch it again; a receipt comes anew with “catchment submit”."


class WitnessRefusal(LedgerError):
    """What a witness does not cosign."""

    code = "witness-refusal"
    sentence = "The witness does not cosign this."


class SubmissionMalformed(WitnessRefusal):
    code = "submission-malformed"
    sentence = "The request to the witness is refused: %(reason)s."
    advice = "Send an old size, a consistency proof, an empty line and the signed checkpoint."


class LogNotWitnessed(WitnessRefusal):
    code = "log-not-witnessed"
    sentence = "The witness does not follow the log %(origin)s."
    advice = "Ask whoever runs the witness to add the log."


class LogDidNotSign(WitnessRefusal):
    code = "log-did-not-sign"
    sentence = "No key that the witness trusts for %(origin)s signed the checkpoint."
    advice = "Send the checkpoint as the log signed it."


class OldSizeDiffers(WitnessRefusal):
    """``size`` is that of the latest tree that the witness cosigned, 0 before the first."""

    code = "old-size-differs"
    sentence = "The witness last cosigned a tree of %(size)d entries."
    advice = "Send the consistency proof from that size."


class RootDiffers(OldSizeDiffers):
    """The log's own key signed two trees of one size."""

    code = "root-differs"
    sentence = "The witness cosigned another tree of %(size)d entries of this log."
    advice = "Keep both checkpoints: together they prove that the log was forked."


class WitnessUnprepared(LedgerError):
    code = "witness-unprepared"
    sentence = "There is no witness in %(path)s."
    advice = (
        "Make one with “catchment witness init”. If its database is lost, retire its name and key: "
        "it no longer knows what it cosigned."
    )


class ForkUnproven(LedgerError):
    code = "fork-unproven"
    sentence = "This does not prove a fork: %(reason)s."
    advice = "Ask for the two signed checkpoints and the hashes between them."


# --- Copies of a whole log -----------------------------------------------------------------


class ExportRefused(LedgerError):
    code = "export-refused"
    sentence = "The export is refused: %(reason)s."
    advice = "Take another copy of it, or export again from a database that “log fsck” finds sound."


class EntryRefused(ExportRefused):
    """An entry that the log could not have taken as it stands in the export."""

    code = "export-entry-refused"
    sentence = "Entry %(index)d of the export is refused: %(reason)s."


class ExportForeign(ExportRefused):
    code = "export-foreign"
    sentence = "The export is of another log (%(origin)s, begun with %(genesis)s)."
    advice = "Compare its origin, genesis and vkey with those you were given on another way."


class ExportShorter(ExportRefused):
    code = "export-shorter"
    sentence = "The database holds %(stored)d entries, more than the %(size)d of the export."
    advice = "Nothing is taken back. Rebuild into an empty database if that is meant."


class ExportDiffers(ExportRefused):
    """Two histories under one name, or a database that was altered."""

    code = "export-differs"
    sentence = "Entry %(index)d of the database is not that of the export."
    advice = (
        "One of the two was altered, or the log was forked: keep both, run “log fsck” on the "
        "database, and compare their checkpoints."
    )


# --- Published figures ---------------------------------------------------------------------


class BundleRefused(LedgerError):
    code = "bundle-refused"
    sentence = "The bundle is refused: %(reason)s."
    advice = "Fetch it again: nothing in it was looked at any further."


class EntryInvalid(LedgerError):
    """An entry that the log could not have taken as it stands in a bundle."""

    code = "entry-invalid"
    sentence = "Entry %(index)d does not hold: %(reason)s."
    advice = "The log or the bundle was altered: keep it, and ask the operator for an export."


class TrustMissing(LedgerError):
    code = "trust-missing"
    sentence = "Nothing says which log to believe."
    advice = "Name your trust.json with --trust: a bundle cannot say whom to trust."


class LogNotTrusted(LedgerError):
    """Evidence of another log than the one that is trusted."""

    code = "log-not-trusted"
    sentence = (
        "This is of the log %(named)s, begun with %(begun)s; the trust file names %(origin)s, "
        "begun with %(genesis)s."
    )
    advice = (
        "Ask for evidence of the log that you trust, or for the trust file of this one, on another "
        "way than this came."
    )


class FigureMissing(LedgerError):
    code = "figure-missing"
    sentence = "The published figure itself is withheld: entry %(index)d."
    advice = "Ask whoever published it for a bundle that you may read."


class InputsDiffer(LedgerError):
    """A figure that names other inputs than were in force."""

    code = "inputs-differ"
    sentence = (
        "The figure says that it was computed from %(stated)d statements with the root "
        "%(stated_root)s; in force were %(count)d with the root %(root)s."
    )
    advice = "Do not rely on the figure: ask whoever published it to publish it again."
