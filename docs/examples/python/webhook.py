"""Receive webhooks, check their signatures, and print the events. Needs nothing but Python.

WEBHOOK_SECRET=whsec_… python webhook.py PORT
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if len(sys.argv) != 2:
    sys.exit(__doc__)
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 300
LARGEST_BODY = 1 << 20


def is_genuine(event: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether somebody who has the key signed these bytes within the last minutes."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{event}.{timestamp}.".encode() + body
    mac = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    # While a secret is exchanged both sign: one of them is enough.
    given = signatures.split()
    return any(hmac.compare_digest(each.encode(), f"v1,{mac}".encode()) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST_BODY:
            self.answer(413)
            return
        body = self.rfile.read(length)
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        if not is_genuine(*(self.headers.get(name, "") for name in names), body):
            self.answer(401)
            return
        # Answer first, work afterwards. The same webhook-id may come twice: it is one event.
        self.answer(204)
        event = json.loads(body)
        print(event["type"], json.dumps(event["data"]), flush=True)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
