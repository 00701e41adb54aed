"""Everything that can be said: one frozen dataclass per statement type.

A statement is the payload of a signed envelope (``ledger.jws``). The members every statement has
(who speaks, for whom, what it follows) are in ``Statement``; what the types say is in the bodies,
a module for each subject. Each body names its **natural key**: of one natural key exactly one
statement is in force, later ones supersede it by naming its digest in ``prev``. Keys hold the ids
of entities, never the subject, so that what they speak of can change hands.

Amounts are decimal strings; days are local to the site (``Period``); units are the codes of
``ledger.units``.
"""

from __future__ import annotations

from ledger.statements.base import (
    ROLES,
    VERIFIABLE,
    Body,
    Entity,
    NaturalKey,
    Payload,
    Periodic,
    Singleton,
    joined,
    split,
)
from ledger.statements.books import Inventory, Purchases
from ledger.statements.downstream import (
    Cost,
    Delivery,
    Downstream,
    EndOfLife,
    Holding,
    Holdings,
    Processing,
    Treatment,
    Use,
)
from ledger.statements.envelope import (
    BODIES,
    VERSION,
    Common,
    LogId,
    Statement,
    payload_of,
    read,
    reread,
    roles_for,
)
from ledger.statements.factors import ELECTRICITY, FactorRow, Factors
from ledger.statements.members import MOST_SERIALS
from ledger.statements.parties import Accreditation, Delegation, Enterprise, Key, Revocation
from ledger.statements.parts import (
    FIRST_YEAR,
    LAST_YEAR,
    MOST_EMISSIONS,
    WHOLE,
    Basis,
    Emission,
    InputLine,
    Part,
    Period,
    Reference,
    Transport,
)
from ledger.statements.places import Consent, Membership, Park, Site
from ledger.statements.products import CARRIERS, Footprint, Product, Production, Recipe
from ledger.statements.quality import DataQuality
from ledger.statements.rules import Genesis, OfTheRegistrar, Policy, Recovery, RecoveryKeys
from ledger.statements.trust import (
    DISCLOSED,
    ERASABLE,
    Attestation,
    DisclosedObject,
    Disclosure,
    Erasure,
    FactorSet,
    Figure,
    FigureObject,
    Inputs,
    Prefix,
    Result,
    Transfer,
    Transferred,
    Withdrawal,
)

__all__ = [
    "BODIES",
    "CARRIERS",
    "DISCLOSED",
    "ELECTRICITY",
    "ERASABLE",
    "FIRST_YEAR",
    "LAST_YEAR",
    "MOST_EMISSIONS",
    "MOST_SERIALS",
    "ROLES",
    "VERIFIABLE",
    "VERSION",
    "WHOLE",
    "Accreditation",
    "Attestation",
    "Basis",
    "Body",
    "Common",
    "Consent",
    "Cost",
    "DataQuality",
    "Delegation",
    "Delivery",
    "DisclosedObject",
    "Disclosure",
    "Downstream",
    "Emission",
    "EndOfLife",
    "Enterprise",
    "Entity",
    "Erasure",
    "FactorRow",
    "FactorSet",
    "Factors",
    "Figure",
    "FigureObject",
    "Footprint",
    "Genesis",
    "Holding",
    "Holdings",
    "InputLine",
    "Inputs",
    "Inventory",
    "Key",
    "LogId",
    "Membership",
    "NaturalKey",
    "OfTheRegistrar",
    "Park",
    "Part",
    "Payload",
    "Period",
    "Periodic",
    "Policy",
    "Prefix",
    "Processing",
    "Product",
    "Production",
    "Purchases",
    "Recipe",
    "Recovery",
    "RecoveryKeys",
    "Reference",
    "Result",
    "Revocation",
    "Singleton",
    "Site",
    "Statement",
    "Transfer",
    "Transferred",
    "Transport",
    "Treatment",
    "Use",
    "Withdrawal",
    "joined",
    "payload_of",
    "read",
    "reread",
    "roles_for",
    "split",
]
