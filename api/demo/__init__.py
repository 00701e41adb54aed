"""The demonstration: three neighbouring zero-carbon parks and the firms they trade with.

All enterprises, places and amounts are invented; emission factors are published ones where their
``source`` column says so, and assumed where it says that. The tables in this folder are what
suppliers would have sent as spreadsheets: one row per line of a statement.

=====================  ========================================================================
Heron Lake             scrap-based steel; coil leaves for a press shop outside and returns as
                       parts and as scrap, so T0 > T1 > T2; gas works with a recipe per quarter.
                       The park whose books are full, for 2025 and for its base year 2024: fuels,
                       energy, waste, water, meters, certificates of green power, a verified sink
                       and one that is not, captured CO2, offsets, shared waste water works, goods
                       after the gate, targets, scenarios. A foundry joins on 1 June
Reed Bank              battery cells from a tenant that keeps its recipes to itself: T2 stands,
                       T0, T1 and the returning goods are not assessable
Plum Ford              recycled aluminium, packs, board; the board mill joins on 1 July, and buys
                       a resin whose maker never registered: its goods have a lower bound only
=====================  ========================================================================
"""

from api.demo.loading import DemoSummary, insecure_key, load

__all__ = ["DemoSummary", "insecure_key", "load"]
