"""An app with a webhook, on a real port: it answers challenges, keeps events, and can misbehave.

Signatures are worked out here from X's pages, not taken from the sandbox.
"""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.sandbox.steps import bearer

CONSUMER_SECRET = "sandbox-client-consumer-secret"
BEARER = bearer("sandbox-client-bearer")


def sealed(message, secret=CONSUMER_SECRET):
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()


class HookedApp:
    """The app. `says` replaces its answers: a status, or a function of the handler."""

    def __init__(self):
        self.secret = CONSUMER_SECRET
        self.says = None
        self.events, self.asked = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = parse_qs(urlsplit(self.path).query)
                outer.asked.append(self.path)
                answer = sealed(query.get("crc_token", [""])[0].encode(), outer.secret)
                self.respond(json.dumps({"response_token": answer}).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.events.append((dict(self.headers), body))
                self.respond(b"")

            def respond(self, body):
                if callable(outer.says):
                    outer.says(self)
                    return
                self.send_response(outer.says or 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/x"

    def payloads(self):
        return [json.loads(body)["data"] for _, body in self.events]

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Hook:
    """The calls that the app makes to register itself, and the person who revokes."""

    def __init__(self, steps, app):
        self.steps, self.world, self.browser, self.app = steps, steps.world, steps.browser, app

    def register(self, url=None, headers=BEARER):
        return self.browser.post("/2/webhooks", json={"url": url or self.app.url}, headers=headers)

    def subscribe(self, headers=BEARER, **changes):
        body = {"event_type": "oauth.revoke", "filter": {}} | changes
        return self.browser.post("/2/activity/subscriptions", json=body, headers=headers)

    def begin(self, **changes):
        """Register and subscribe; return the id of the webhook."""
        webhook_id = self.register().json["data"]["id"]
        assert self.subscribe(webhook_id=webhook_id, **changes).status_code == 200
        return webhook_id

    def revoke(self, account="wren"):
        """Press "Revoke app permissions" in the settings of Twitter."""
        form = {"account": account, "client_id": "sandbox-client"}
        return self.browser.post("/settings/connected_apps", data=form)

    def fault(self, **given):
        return self.browser.post("/sandbox/faults", json={"path": "*", **given})

    def advance(self, seconds):
        self.world.clock.advance(seconds)
        self.settle()

    def settle(self):
        assert self.world.sender.settle(5)

    def outcomes(self, kind="event"):
        self.settle()
        return [one.outcome for one in self.world.sender.deliveries() if one.kind == kind]

    def webhook(self):
        return self.browser.get("/2/webhooks", headers=BEARER).json["data"][0]
