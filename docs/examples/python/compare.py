"""Compare offers by their carbon.

CLIENT_ID=… CLIENT_SECRET=… python compare.py SERVER OFFERS.json
"""

import json
import os
import sys
from pathlib import Path

from api.client import Client, Refused
from api.client.credentials import ClientCredentials
from ledger.errors import CatchmentError

if len(sys.argv) != 3:
    sys.exit(__doc__)
server, offers = sys.argv[1:]
credentials = ClientCredentials(server, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])

with Client(server, credentials=credentials) as client:
    try:
        compared = client.compare(json.loads(Path(offers).read_text("utf-8")))
    except (Refused, CatchmentError) as refused:
        sys.exit(str(refused))

for offer in compared.offers:
    # None is “not known” or “not shown”, and never zero.
    value = "–" if offer.value is None else f"{offer.value} kg CO2e per {compared.unit}"
    print(f"{offer.label}: {offer.verdict}, {value}")
    for reason in offer.reasons:
        print(f"  {reason.code}: {reason.sentence}")
print(f"First of those that pass: {compared.first or 'none'}")
