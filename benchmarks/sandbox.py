"""How fast is the sandbox? `python -m benchmarks.sandbox [seconds]` prints two figures.

A sandbox of its own process, and eight clients that keep their connections.
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.processes import ROOT

CLIENTS = 8
CALLBACK = "http://127.0.0.1:8000/auth/callback"
VERIFIER = "a-word-that-only-this-benchmark-knows"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LOOK_UP = "/2/users/by/username/robin?user.fields=description,entities,public_metrics"


def main() -> int:
    """Start a sandbox, measure it for so many seconds, and stop it."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--quiet"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            address = urlsplit(said.split()[-1]).netloc
            rate = look_ups(address, signed_in(address), seconds)
            said = f"{rate:.0f} look-ups a second, {CLIENTS} clients at once\n"
            said += f"{resets(address):.1f} ms for a reset (median of 50)\n"
            sys.stdout.write(said)
        finally:
            process.terminate()
    return 0


def signed_in(address: str) -> str:
    """Sign Wren in, and return the access token."""
    line = http.client.HTTPConnection(address, timeout=10)
    query = {
        "response_type": "code",
        "client_id": "sandbox-public",
        "redirect_uri": CALLBACK,
        "scope": "tweet.read users.read",
        "state": "x",
        "code_challenge": VERIFIER,
        "code_challenge_method": "plain",
    }
    location = consented(line, f"/i/oauth2/authorize?{urlencode(query)}", "wren")
    exchange = {
        "grant_type": "authorization_code",
        "client_id": "sandbox-public",
        "redirect_uri": CALLBACK,
        "code": parse_qs(urlsplit(location).query)["code"][0],
        "code_verifier": VERIFIER,
    }
    tokens, _ = asked(line, "POST", "/2/oauth2/token", urlencode(exchange), FORM)
    return str(json.loads(tokens)["access_token"])


def consented(line: http.client.HTTPConnection, target: str, account: str) -> str:
    """Allow what the consent page at `target` asks for, and return the address of the callback."""
    page, _ = asked(line, "GET", target)
    consent_request = re.findall(r'name="consent_request" value="([^"]+)"', page)[0]
    answer = {"consent_request": consent_request, "account": account, "decision": "authorize"}
    _, location = asked(line, "POST", "/i/oauth2/authorize", urlencode(answer), FORM)
    return location


def look_ups(address: str, token: str, seconds: float) -> float:
    """Look an account up from many connections, and count."""
    until = time.monotonic() + seconds

    def client(_number: int) -> int:
        line, count = http.client.HTTPConnection(address, timeout=10), 0
        while time.monotonic() < until:
            body, _ = asked(line, "GET", LOOK_UP, headers={"Authorization": f"Bearer {token}"})
            count += '"data"' in body
        return count

    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(client, range(CLIENTS))) / seconds


def resets(address: str) -> float:
    """Bring the beginning back fifty times, and return how long that took, in milliseconds."""
    line, took = http.client.HTTPConnection(address, timeout=10), []
    for _ in range(50):
        began = time.perf_counter()
        asked(line, "POST", "/sandbox/reset", "{}", {"Content-Type": "application/json"})
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def asked(
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[str, str]:
    """Send a request, and return body and Location of the answer."""
    line.request(method, path, body, headers or {})
    answer = line.getresponse()
    return answer.read().decode(), answer.headers.get("Location", "")


if __name__ == "__main__":
    sys.exit(main())
