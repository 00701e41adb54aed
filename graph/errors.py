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
