"""Ask a PACT host for footprints by event, and wait for its answer. Needs nothing but Python.

CLIENT_ID=… CLIENT_SECRET=… python request.py SERVER PORT FILTER=VALUE...

The answer comes to this program as an event too, so it is a small PACT host itself: on PORT it
grants a token to CALLER_ID with CALLER_SECRET, and takes events. The operator of SERVER registers
it with

    catchment partner add NAME --url http://127.0.0.1:PORT --enterprise YOURS \\
      --client CLIENT_ID --client-id CALLER_ID --secret CALLER_SECRET
"""

import base64
import json
import os
import queue
import secrets
import sys
import threading
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if len(sys.argv) < 4:
    sys.exit(__doc__)
server, port, *filters = sys.argv[1:]
HERE = f"http://127.0.0.1:{port}"
TYPE = "org.wbcsd.pact.ProductFootprint"
TOKEN = secrets.token_urlsafe()
WAIT_SECONDS = float(os.environ.get("WAIT_SECONDS", "60"))
answers: queue.Queue[dict] = queue.Queue()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Host(BaseHTTPRequestHandler):
    """The half of a PACT host that takes events."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "")
        caller = basic(os.environ["CALLER_ID"], os.environ["CALLER_SECRET"])
        if self.path == "/auth/token" and secrets.compare_digest(given, caller):
            self.answer(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 600})
        elif self.path == "/3/events" and secrets.compare_digest(given, f"Bearer {TOKEN}"):
            answers.put(json.loads(body))
            self.answer(200, None)
        else:
            self.answer(401, {"error": "invalid_client"})

    def answer(self, status: int, members: dict | None) -> None:
        body = b"" if members is None else json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def post(path: str, body: bytes, media_type: str, authorization: str) -> bytes:
    headers = {"Content-Type": media_type, "Authorization": authorization}
    request = urllib.request.Request(server + path, body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


host = ThreadingHTTPServer(("127.0.0.1", int(port)), Host)
threading.Thread(target=host.serve_forever, daemon=True).start()

granted = post(
    "/auth/token",
    b"grant_type=client_credentials",
    "application/x-www-form-urlencoded",
    basic(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
)
criteria = urllib.parse.parse_qs("&".join(filters))
event = {
    "specversion": "1.0",
    "type": f"{TYPE}.RequestCreatedEvent.3",
    "id": str(uuid.uuid4()),
    "source": HERE,
    "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    "data": {**criteria, "comment": "For our footprint of this year."},
}
bearer = f"Bearer {json.loads(granted)['access_token']}"
post("/3/events", json.dumps(event).encode(), "application/cloudevents+json", bearer)
print(f"asked for {criteria}")

while True:
    try:
        answer = answers.get(timeout=WAIT_SECONDS)
    except queue.Empty:
        sys.exit("No answer yet: whoever makes it has been asked, and the event will come.")
    if answer["data"].get("requestEventId") != event["id"]:
        continue
    if answer["type"] == f"{TYPE}.RequestRejectedEvent.3":
        sys.exit(f"rejected: {answer['data']['error']['message']}")
    for footprint in answer["data"]["pfs"]:
        total = footprint["pcf"]["pcfExcludingBiogenicUptake"]
        print(f"fulfilled: {footprint['productNameCompany']}, {total} kg CO2e, {footprint['id']}")
    break
