"""The substances a direct emission may name, and where their carbon comes from.

The basket of the Kyoto Protocol as the Paris rules report it (decision 18/CMA.1, annex,
paragraph 48: CO2, CH4, N2O, HFCs, PFCs, SF6, NF3), with the HFCs and PFCs that IPCC AR4 to AR6
list, and SO2F2, which replaces some of them. Gases of the Montreal Protocol (CFCs, HCFCs) are not
part of any total here. Names are as IPCC prints them: formula, or ``HFC-134a``; CAS numbers are
those of IPCC AR6 WG1 Table 7.SM.7.

``CO2e`` is no substance: it is a sum already weighted with the global warming potentials of one
assessment report, and must say which.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from ledger.errors import GasUnknown, GwpSetRefused

Origin = Literal["fossil", "biogenic", "land-use"]
# fossil: from fuels, minerals and synthesis (every fluorinated gas); biogenic: carbon that was in
# the air within the life of a plant; land-use: released by changing the use of land.
ORIGINS: Final[tuple[Origin, ...]] = get_args(Origin)

CO2E: Final = "CO2e"
GWP_SETS: Final = ("AR4", "AR5", "AR6")


@dataclass(frozen=True)
class Gas:
    """A substance. ``gwp_set`` is set for ``CO2e`` alone, ``cas`` for everything else."""

    id: str
    name: str
    cas: str | None
    gwp_set: str | None = None


_KNOWN = (
    ("CO2", "carbon dioxide", "124-38-9"),
    ("CH4", "methane", "74-82-8"),
    ("N2O", "nitrous oxide", "10024-97-2"),
    ("SF6", "sulfur hexafluoride", "2551-62-4"),
    ("NF3", "nitrogen trifluoride", "7783-54-2"),
    ("SO2F2", "sulfuryl fluoride", "2699-79-8"),
    ("CF4", "PFC-14, tetrafluoromethane", "75-73-0"),
    ("C2F6", "PFC-116, hexafluoroethane", "76-16-4"),
    ("C3F8", "PFC-218, octafluoropropane", "76-19-7"),
    ("cC4F8", "PFC-318, octafluorocyclobutane", "115-25-3"),
    ("C4F10", "PFC-31-10, decafluorobutane", "355-25-9"),
    ("C5F12", "PFC-41-12, dodecafluoropentane", "678-26-2"),
    ("C6F14", "PFC-51-14, tetradecafluorohexane", "355-42-0"),
    ("C7F16", "PFC-61-16, hexadecafluoroheptane", "335-57-9"),
    ("C8F18", "PFC-71-18, octadecafluorooctane", "307-34-6"),
    ("C10F18", "PFC-91-18, perfluorodecalin", "306-94-5"),
    ("HFC-23", "trifluoromethane", "75-46-7"),
    ("HFC-32", "difluoromethane", "75-10-5"),
    ("HFC-41", "fluoromethane", "593-53-3"),
    ("HFC-125", "pentafluoroethane", "354-33-6"),
    ("HFC-134", "1,1,2,2-tetrafluoroethane", "359-35-3"),
    ("HFC-134a", "1,1,1,2-tetrafluoroethane", "811-97-2"),
    ("HFC-143", "1,1,2-trifluoroethane", "430-66-0"),
    ("HFC-143a", "1,1,1-trifluoroethane", "420-46-2"),
    ("HFC-152", "1,2-difluoroethane", "624-72-6"),
    ("HFC-152a", "1,1-difluoroethane", "75-37-6"),
    ("HFC-161", "fluoroethane", "353-36-6"),
    ("HFC-227ea", "1,1,1,2,3,3,3-heptafluoropropane", "431-89-0"),
    ("HFC-236cb", "1,1,1,2,2,3-hexafluoropropane", "677-56-5"),
    ("HFC-236ea", "1,1,1,2,3,3-hexafluoropropane", "431-63-0"),
    ("HFC-236fa", "1,1,1,3,3,3-hexafluoropropane", "690-39-1"),
    ("HFC-245ca", "1,1,2,2,3-pentafluoropropane", "679-86-7"),
    ("HFC-245fa", "1,1,1,3,3-pentafluoropropane", "460-73-1"),
    ("HFC-365mfc", "1,1,1,3,3-pentafluorobutane", "406-58-6"),
    ("HFC-43-10mee", "1,1,1,2,2,3,4,5,5,5-decafluoropentane", "138495-42-8"),
)
GASES = MappingProxyType({id_: Gas(id_, name, cas) for id_, name, cas in _KNOWN})


def parse(gas: str, gwp_set: str | None = None) -> Gas:
    """The substance of an id, exactly as written; ``CO2e`` together with its GWP set.

    Raises
    ------
    GasUnknown
        With the ids and names that look similar.
    GwpSetRefused
        ``CO2e`` without one of ``GWP_SETS``, or another gas with one.
    """
    if gas not in GASES and gas != CO2E:
        raise GasUnknown(text=repr(gas[:80]), hint=_hint(gas))
    if (gas == CO2E and gwp_set not in GWP_SETS) or (gas != CO2E and gwp_set is not None):
        raise GwpSetRefused(gas=gas, stated=repr(gwp_set), choices=", ".join(GWP_SETS))
    return GASES.get(gas) or Gas(CO2E, "carbon dioxide equivalent", None, gwp_set)


def _hint(text: str) -> str:
    near = difflib.get_close_matches(_plain(text[:80]), _SPELLINGS, n=8, cutoff=0.75)
    ids = dict.fromkeys(_SPELLINGS[spelling] for spelling in near)
    return f"Did you mean {' or '.join(ids)}?" if ids else f"Known are: {', '.join(GASES)}, CO2e."


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


_SPELLINGS = {
    _plain(spelling): gas.id
    for gas in (*GASES.values(), Gas(CO2E, "CO2eq, carbon dioxide equivalent", None))
    for spelling in (gas.id, gas.id.replace("HFC-", "R"), *gas.name.split(", "))
}
