"""Checks from outside: what people find at `PUBLIC_URL`, and what arrives of their requests."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from app.doctor import probe, self_request
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok, several, skipped, warning
from app.twitter.origins import origin
from app.twitter.transport.deadline import Deadline

_ALIVE = b"alive\n"
REDIRECTS = range(300, 400)
_GATEWAY_TROUBLE = range(502, 505)

_NGINX = "see deploy/nginx.conf"


def reachable(patient: Patient) -> Finding:
    """Ask the site for its health by the address that people use, and make sure that it is ours."""
    config = patient.config
    nonce, cookie = self_request.question(patient.app, now=patient.here.now())
    headers = patient.headers | {"Cookie": cookie}
    try:
        answer = probe.get(
            f"{config.public_url}/healthz", deadline=Deadline(probe.SECONDS), headers=headers
        )
    except probe.NotReached as error:
        return _not_reached(config.public_url, error)
    patient.arrival = self_request.arrival(patient.app, answer.body, nonce=nonce)
    if patient.arrival is not None:
        return ok(f"{config.public_url} leads to this site.")
    return _somebody_else(config.public_url, answer)


def _not_reached(public_url: str, error: probe.NotReached) -> Finding:
    said = f"{public_url} is not reached: {error}."
    if error.stage == "tls":
        return failed(
            said,
            "Give the proxy a certificate for this name from an authority that browsers trust. "
            "For a staging certificate, let SSL_CERT_FILE name its authority's file here.",
            Section.TLS,
        )
    cures = {
        "name": "Make a DNS record for this name, or set PUBLIC_URL to the name that there is.",
        "connection": "Start the site (gunicorn wsgi:app), its proxy, and open the port.",
        "answer": "Look whether the site and its proxy are stuck, and restart them.",
    }
    return failed(said, cures[error.stage], Section.ADDRESS)


def _somebody_else(public_url: str, answer: probe.Answer) -> Finding:
    if answer.status in _GATEWAY_TROUBLE:
        return failed(
            f"A proxy answers at {public_url} (HTTP {answer.status}), and the site behind it not.",
            "Start the site (gunicorn wsgi:app) where the proxy looks for it.",
            Section.ADDRESS,
        )
    if answer.status in REDIRECTS:
        target = origin(answer.headers.get("Location", ""))
        return failed(
            f"{public_url} sends people on (HTTP {answer.status}) to {target}.",
            "Set PUBLIC_URL to the address where people end up, or take the redirect away.",
            Section.SOMEBODY_ELSE,
        )
    if answer.body == _ALIVE:
        return failed(
            f"A Perch answers at {public_url}, and it does not have this SECRET_KEY.",
            "Give every process and machine the same SECRET_KEY, and restart them all.",
            Section.SOMEBODY_ELSE,
        )
    return failed(
        f"Somebody else answers at {public_url} (HTTP {answer.status}).",
        "Set PUBLIC_URL to this site's own address, or let that address lead here.",
        Section.SOMEBODY_ELSE,
    )


def proxies(patient: Patient) -> Finding:
    """Compare how a request arrives with how it was sent, and count who stands in between."""
    arrival, config = patient.arrival, patient.config
    if arrival is None:
        return skipped("public address")
    trusted, hops = config.trusted_proxies, arrival.hops
    through = several(hops, "proxy", "proxies")
    if hops > trusted:
        return failed(
            f"Requests come through {through} and TRUSTED_PROXIES is {trusted}, so everybody has "
            f"the same address here, and requests look like {arrival.scheme}.",
            f"Set TRUSTED_PROXIES={hops} if these proxies are yours, and restart.",
            Section.PROXIES,
        )
    if bent := _bent(arrival, urlsplit(config.public_url)):
        return bent
    if hops < trusted:
        return warning(
            f"TRUSTED_PROXIES is {trusted} and this request came through {hops}, so that anybody "
            "can pretend to come from another address.",
            f"Set TRUSTED_PROXIES={hops}, unless people come a longer way than this machine does.",
            Section.PROXIES,
        )
    if hops == 0 and config.https:
        return warning(
            "Requests reach this site through no proxy, so that a few dozen which are sent half "
            "hold all threads of a worker.",
            f"Put a proxy in front that takes requests whole; {_NGINX}.",
            Section.PROXIES,
        )
    return ok(f"Requests arrive as they were sent, through {through}.")


def _bent(arrival: self_request.Arrival, sent: SplitResult) -> Finding | None:
    """Return what a proxy has changed of a request on its way, if it has."""
    if arrival.scheme != sent.scheme:
        return failed(
            f"A request sent by {sent.scheme} arrives as {arrival.scheme}: the proxy does not say "
            "how it came.",
            f"Let the proxy set X-Forwarded-Proto; {_NGINX}.",
            Section.PROXIES,
        )
    if arrival.host != sent.netloc:
        return failed(
            f"A request for {sent.netloc} arrives as one for {arrival.host}, so that pages "
            "redirect for ever.",
            "Let the proxy send Host, and X-Forwarded-Host if it sends that, as they came and with "
            f"their port (in nginx $http_host, not $host); {_NGINX}.",
            Section.PROXIES,
        )
    return None
