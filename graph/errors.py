"""The vocabulary of what can be wrong with a network, a boundary or a question about them."""

from __future__ import annotations

from ledger.errors import CatchmentError


class GraphError(CatchmentError):
    """Any condition of the graph floor."""


class UnknownGwpSet(GraphError):
    """A set of global warming potentials that this engine does not carry."""

    code = "unknown-gwp-set"
    sentence = "%(name)s is not a known set of global warming potentials."
    advice = "Use one of: %(choices)s."


class GasWithoutGwp(GraphError):
    """A gas that an assessment report gives no global warming potential for."""

    code = "gas-without-gwp"
    sentence = "%(gas)s has no global warming potential in %(set)s."
    advice = "Ask the question under a later assessment report, or report the gas apart."


class NoDataForYear(GraphError):
    """Nothing was stated about what is asked in the year asked for."""

    code = "no-data-for-year"
    sentence = "Nothing has been stated about this in %(year)s. That is unknown, not zero."
    advice = "Choose a year with statements, or submit inventory, purchases or recipes for it."


class UnknownMeter(GraphError):
    """A meter that is not stated, or no more."""

    code = "unknown-meter"
    sentence = "No meter %(meter)s is in force at the site %(site)s."
    advice = "Check its name; “catchment sign --new meter” prints an example of how to state one."


class UnknownProduct(GraphError):
    """No registered product has the id at this point of the log."""

    code = "unknown-product"
    sentence = "No product %(product)s is registered at this point of the log."
    advice = "Check the id, or ask for a later log position with ?at=."


class UnknownBoundary(GraphError):
    """No registered park, enterprise or site has the id at this point of the log."""

    code = "unknown-boundary"
    sentence = "No %(kind)s %(id)s is registered at this point of the log."
    advice = "Check the id, or ask for a later log position with ?at=."


class NoSiteInDivision(GraphError):
    """No site says that it lies in an administrative division."""

    code = "no-site-in-division"
    sentence = (
        "No site says that it lies in division %(division)s; sites that may lie there and do not "
        "say it: %(undecided)d."
    )
    advice = "Check the code (GB/T 2260), or have the sites state their division."


class UnknownFactorSet(GraphError):
    """No set of factors of this name stands, or not all of its parts do."""

    code = "unknown-factor-set"
    sentence = "No set of factors “%(name)s” stands."
    advice = "See which do with “catchment factors list”; a set stands when all its parts do."


class CoalBasisRefused(GraphError):
    """Energy that was to be counted in coal equivalent, and nobody can say by what coefficients."""


class CoalBasisMissing(CoalBasisRefused):
    """No set of factors that stands has coefficients for standard coal."""

    code = "coal-basis-missing"
    sentence = "No set of coefficients for standard coal stands."
    advice = "Have the registrar state one: “catchment factors load … --layout china-coal”."


class CoalBasisAmbiguous(CoalBasisRefused):
    """Several sets have coefficients for standard coal, and none was chosen."""

    code = "coal-basis-ambiguous"
    sentence = "Several sets of coefficients for standard coal stand: %(choices)s."
    advice = "Name one of them with ?basis= or --basis."


class CoalBasisUnknown(CoalBasisRefused):
    """The set that was chosen does not stand, or has no coefficients for standard coal."""

    code = "coal-basis-unknown"
    sentence = "No set “%(name)s” of coefficients for standard coal stands."
    advice = "Name one of those that stand: %(choices)s."


class IndicatorSystemUnknown(GraphError):
    """No system of indicators of this name is built in or stated."""

    code = "indicator-system-unknown"
    sentence = "There is no system of indicators “%(name)s”."
    advice = "Name one of: %(choices)s."


class ParkTypeUnknown(GraphError):
    """A system that tells types of parks apart, asked without one, or with one it does not have."""

    code = "park-type-unknown"
    sentence = "The system of indicators “%(name)s” tells types of parks apart."
    advice = "Name one of them with ?type= or --type: %(choices)s."


class NoParkTypes(GraphError):
    """A type of park was named to a system that does not tell types apart."""

    code = "no-park-types"
    sentence = "The system of indicators “%(name)s” has no types of parks."
    advice = "Leave ?type= or --type out."


class LoopGain(GraphError):
    """The product belongs to a loop that needs more of itself than it makes."""

    code = "loop-gain"
    sentence = "%(product)s is part of a loop that uses at least as much as it yields: %(loop)s."
    advice = "One of these recipes is wrong, most often in a unit: correct it and submit it again."


class SitesWithoutOutput(GraphError):
    """A product of several sites has no figure of its own while their outputs are unknown."""

    code = "sites-without-output"
    sentence = "%(product)s is made at several sites and their outputs are not all stated."
    advice = "State the production of each site, or ask for one site with ?site=."


class LogPositionUnknown(GraphError):
    """A question about a prefix that the log has not reached."""

    code = "log-position-unknown"
    sentence = "The log has %(size)s entries; a position %(at)s does not exist yet."
    advice = "Ask with ?at= between 1 and the size of the log."


class NetworkNotSquare(GraphError):
    """The table of amounts does not have one row and one column per product."""

    code = "network-not-square"
    sentence = "A network needs one row and one column per product, not %(rows)s by %(columns)s."
    advice = "List every product once, suppliers in rows and consumers in columns."


class AmountNotFinite(GraphError):
    """An amount, an emission or a demand is not a number, or has no bound."""

    code = "amount-not-finite"
    sentence = "%(count)s of the %(what)s are not finite numbers."
    advice = "Leave an unknown quantity out and report it as a gap; never send it as a number."


class TableMismatch(GraphError):
    """A table of right-hand sides does not fit the network it is asked about."""

    code = "table-mismatch"
    sentence = "The %(what)s need %(products)s rows, one per product, and have the shape %(shape)s."
    advice = "Pass a two-dimensional table: one row per product, one column per quantity."


class LoopUnsolved(GraphError):
    """A loop that converges on paper could not be computed to the promised residual."""

    code = "loop-unsolved"
    sentence = "A loop of %(products)s products could not be computed accurately."
    advice = "Look for amounts in the wrong unit among its products: they differ too widely."


class NoLoop(GraphError):
    """A loop was to be named among products that do not feed one another."""

    code = "no-loop"
    sentence = "None of the %(products)s products feeds itself, directly or through the others."
    advice = "Ask about the products of one strongly connected component."


class FigureDiffers(GraphError):
    """A published figure that its inputs do not give."""

    code = "figure-differs"
    sentence = "The figure states %(stated)s for %(name)s, and its inputs give %(computed)s."
    advice = (
        "Do not rely on it. Whoever publishes it asks for it again, and signs it as it is answered."
    )


class AwardDiffers(GraphError):
    """An award that states something else of an offer than follows from its prefix.

    What follows instead is not told: nobody may learn a figure by guessing at it.
    """

    code = "award-differs"
    sentence = "%(stated)s, stated for %(name)s, does not follow from what the award rests on."
    advice = "Compare the offers again, and sign the award as it is answered."


class EngineDiffers(GraphError):
    """A figure computed by an engine of another version."""

    code = "engine-differs"
    sentence = "The figure was computed by version %(stated)s of the engine; this is %(own)s."
    advice = "Verify it with a release of Catchment that has that version."


class FactorsDiffer(GraphError):
    """A figure computed with other factors than this engine carries."""

    code = "factors-differ"
    sentence = "The figure was computed with other tables of factors than this engine's %(gwp)s."
    advice = "Verify it with the release of Catchment that computed it."


class NotSupposable(GraphError):
    """A hypothetical statement of a type that no figure is computed from."""

    code = "not-supposable"
    sentence = "No figure is computed from statements of type %(type)s: nothing would follow."
    advice = "Suppose one of: %(choices)s."


class SpeakerUnknown(GraphError):
    """A hypothetical statement of which nobody can say whose it would be."""

    code = "speaker-unknown"
    sentence = "Nobody owns what this %(type)s is about, so nobody could state it."
    advice = "Name what is registered, suppose its registration first, or name the subject."


class CertificateWithdrawn(GraphError):
    """A serial number that counted once is supposed again."""

    code = "certificate-withdrawn"
    sentence = (
        "Certificate %(serial)s of %(registry)s was used up by a statement that is withdrawn: it "
        "stays used."
    )
    advice = "Suppose another serial number."


class NothingToTakeBack(GraphError):
    """A statement that was to be taken back, and is not there."""

    code = "nothing-to-take-back"
    sentence = "No statement with the digest %(digest)s is in force, so it cannot be taken back."
    advice = "Take the digest of the statement from the list of those in force."


class NothingToChange(GraphError):
    """A change of something that occurs nowhere in the scope it was to be changed in."""

    code = "nothing-to-change"
    sentence = "%(product)s does not occur in %(scope)s, so nothing would change there."
    advice = "Check the ids, and that the scope has a recipe or purchases that name the product."


class BaseYearNotEarlier(GraphError):
    """A year that was to be restated with the fence of a year that is not later."""

    code = "base-year-not-earlier"
    sentence = "The base year %(base)s is not before %(year)s."
    advice = "Ask with ?base= before ?year=; ?year= is by default the latest with statements."


class ProductNumberUnknown(GraphError):
    """A change of an array network that names a product it does not have."""

    code = "product-number-unknown"
    sentence = "The network has %(products)s products, so there is no product number %(number)s."
    advice = "Number products from zero, and append new ones in the change that first names them."


class SolutionInterrupted(GraphError):
    """A solution that was left half changed, because a loop in it could not be computed."""

    code = "solution-interrupted"
    sentence = "An earlier change of this solution could not be completed."
    advice = "Solve the network anew; the loop that could not be computed is named then."


class PrefixesReversed(GraphError):
    """A difference between two prefixes of which the first is not the shorter one."""

    code = "prefixes-reversed"
    sentence = "The log sizes %(start)s and %(stop)s are in the wrong order for a difference."
    advice = "Ask with ?from= below ?to=, both between 1 and the size of the log."


class YearsReversed(GraphError):
    """An account from a year to one that does not come after it."""

    code = "years-reversed"
    sentence = "An account leads from one year to a later one, not from %(since)s to %(year)s."
    advice = "Choose an earlier year with ?from=, or a later one with ?year=."
