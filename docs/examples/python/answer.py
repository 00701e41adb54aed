"""Answer requests for footprints, as their supplier.

    CLIENT_ID=… CLIENT_SECRET=… python answer.py SERVER KEY.key [BUYER...]

Footprints that exist are disclosed to the BUYERs whose ids are given, and to nobody else, and the
requests answered with them. Of the others, what can be done next is told.
"""

import os
import sys
from pathlib import Path

from api.client import Client, Refused
from api.client.credentials import ClientCredentials
from api.keys import keyfile
from ledger.errors import CatchmentError
from ledger.statements import DisclosedObject, Disclosure

if len(sys.argv) < 3:
    sys.exit(__doc__)
server, key_file, *buyers = sys.argv[1:]
key = keyfile.read(Path(key_file), production=True)
credentials = ClientCredentials(server, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])


def answer(client, request, step):
    """Sign that the buyer may read the product's footprints, and answer with them."""
    # The server says what is lacking; what is signed is written here, so it can be nothing else.
    disclosure = Disclosure(
        object=DisclosedObject(type="footprint", id=request["product"]["id"]),
        level="named",
        grantee=request["buyer"]["id"],
    )
    client.say(disclosure, key, prev=step["prev"])
    return client.answer_request(request["id"], step["footprints"])


with Client(server, credentials=credentials) as client:
    try:
        for request in client.requests_made(state="open"):
            buyer, product = request["buyer"], request["product"]
            for step in request["next"]:
                if step["footprints"] and step["do"] == "disclose" and buyer["id"] in buyers:
                    request = answer(client, request, step)
            asked = product["name"] if product else request["criteria"]
            print(f"{buyer['name']} ({buyer['id']}), {asked}: {request['state']}")
            for step in request["next"]:
                print(f"  {step['sentence']}")
    except (Refused, CatchmentError) as refused:
        sys.exit(str(refused))
