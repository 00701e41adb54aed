"""Sign statements and submit them.

    python declare.py SERVER KEY.key STATEMENT.json...

KEY.key is a key of ``catchment keygen``. What was signed, and the receipts, are saved beside the
statements.
"""

import json
import sys
from pathlib import Path

from api.client import Client, Refused
from api.keys import keyfile
from api.keys.signing import signed
from ledger.schema import load
from ledger.statements import BODIES

if len(sys.argv) < 4:
    sys.exit(__doc__)
server, key_file, *statements = sys.argv[1:]
key = keyfile.read(Path(key_file), production=True)

with Client(server) as client:
    for file in map(Path, statements):
        members = json.loads(file.read_text("utf-8"))
        body = load(BODIES[members.pop("type")], members)
        envelope = signed(key, body, key.enterprise)
        file.with_suffix(".jws").write_bytes(envelope)
        try:
            held = client.submit(envelope)
        except Refused as refused:
            sys.exit(f"{file}: {refused}")
        file.with_suffix(".tlog-proof").write_text(held.receipt)
        print(f"{file}: entry {held.index}")
