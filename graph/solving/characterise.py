"""From kg of gases to kg CO2e: the weights of a question's GWP set over a network's columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from graph.errors import GasWithoutGwp
from graph.gwp import set_of
from graph.reading.network import Column, Floats
from ledger.gases import CO2E, Origin
from ledger.gases import parse as parse_gas

APART = ("removal", "capture", "uptake")
"""Origins of stated components that never net inside a gross figure."""
BIOGENIC_CO2 = "biogenicCO2"


@dataclass(frozen=True)
class Characterisation:
    """Weights (length k, kg CO2e per kg of the column) under one GWP set.

    ``gross`` leaves out biogenic CO2 and everything negative; ``apart`` gives those by name, in
    the column's own kg. ``foreign`` marks CO2e that was stated under another set and cannot be
    recomputed: figures that contain it are *mixed GWP*.
    """

    gwp: str
    gross: Floats
    foreign: Floats
    apart: dict[str, Floats]
    weightless: dict[int, str]
    """Columns of gases the set has no value for: a figure that contains one has no answer."""

    def co2e(self, columns: Floats) -> Floats:
        """Gross kg CO2e of arrays whose last axis follows the columns.

        Raises ``GasWithoutGwp`` where a gas occurs that the set does not know.
        """
        for k, gas in self.weightless.items():
            if np.any(columns[..., k]):
                raise GasWithoutGwp(gas=gas, set=self.gwp)
        return np.asarray(columns @ self.gross)

    def mixed_share(self, columns: Floats) -> float:
        """Share (0 to 1) of the gross figure that was stated under another GWP set."""
        total = float(self.co2e(columns))
        return float(columns @ (self.gross * self.foreign)) / total if total else 0.0


def characterise(columns: Sequence[Column], gwp: str) -> Characterisation:
    """Weights of ``columns`` under the set ``gwp``.

    Raises
    ------
    UnknownGwpSet
        No set of that name.
    """
    chosen = set_of(gwp)
    gross = np.zeros(len(columns))
    foreign = np.zeros(len(columns))
    apart: dict[str, Floats] = {}
    weightless: dict[int, str] = {}
    for k, column in enumerate(columns):
        if column.gas == CO2E:
            named = column.origin if column.origin in APART else None
            gross[k] = 0.0 if named else 1.0
            foreign[k] = float(column.stated_under != gwp)
        else:
            named = BIOGENIC_CO2 if (column.gas, column.origin) == ("CO2", "biogenic") else None
            try:
                gross[k] = chosen.factor(parse_gas(column.gas), _origin(column.origin))
            except GasWithoutGwp:
                weightless[k] = column.gas
        if named:
            apart.setdefault(named, np.zeros(len(columns)))[k] = 1.0
    return Characterisation(gwp, gross, foreign, apart, weightless)


def _origin(text: str) -> Origin:
    return next(origin for origin in get_args(Origin) if origin == text)
