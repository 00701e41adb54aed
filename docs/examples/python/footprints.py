"""Read every PACT footprint that the client may read.

CLIENT_ID=… CLIENT_SECRET=… python footprints.py SERVER [FILTER=VALUE...]
"""

import os
import sys

from api.client import Client, Refused
from api.client.credentials import ClientCredentials
from ledger.errors import CatchmentError

if len(sys.argv) < 2:
    sys.exit(__doc__)
server, *given = sys.argv[1:]
filters = dict(each.split("=", 1) for each in given)
credentials = ClientCredentials(server, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])

with Client(server, credentials=credentials) as client:
    try:
        for footprint in client.pact_footprints(**filters):
            name, pcf = footprint["productNameCompany"], footprint["pcf"]
            # For the whole declared unit: amount × unit.
            unit = f"{pcf['declaredUnitAmount']} {pcf['declaredUnitOfMeasurement']}"
            total = pcf["pcfExcludingBiogenicUptake"]
            print(f"{name}: {total} kg CO2e per {unit} ({footprint['status']})")
    except (Refused, CatchmentError) as refused:
        sys.exit(str(refused))
