"""Checks from outside: which site answers at `PUBLIC_URL`, and how requests reach it."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from app.doctor import probe, self_request
from app.doctor.context import Context
from app.doctor.report import Result, Section, counted, failed, ok, skipped, warning
from app.twitter.dialect import origin
from app.twitter.transport.deadline import Deadline

_ALIVE = b"alive\n"
_REDIRECTS = range(300, 400)
_GATEWAY_ERRORS = range(502, 505)
_NGINX = "see deploy/nginx.conf"


def reachable(context: Context) -> Result:
    """Ask for the site's health at its public URL, and make sure that this site answers."""
    public_url = context.config.public_url
    nonce, cookie = self_request.question(context.app, now=context.services.now())
    try:
        response = probe.get(
            f"{public_url}/healthz",
            deadline=Deadline(probe.SECONDS),
            headers=context.headers | {"Cookie": cookie},
        )
    except probe.ProbeFailed as error:
        return _unreachable(public_url, error)
    context.received = self_request.received_in(context.app, response.body, nonce=nonce)
    if context.received is not None:
        return ok(f"{public_url} leads to this site.")
    return _another_site(public_url, response)


def _unreachable(public_url: str, error: probe.ProbeFailed) -> Result:
    message = f"{public_url} cannot be reached: {error}."
    if error.stage == "tls":
        return failed(
            message,
            "Give the proxy a certificate for this name from an authority that browsers trust. "
            "For a staging certificate, set SSL_CERT_FILE here to its authority's file.",
            Section.TLS,
        )
    fixes = {
        "name": "Create a DNS record for this name, or correct PUBLIC_URL.",
        "connection": "Start the site (gunicorn wsgi:app) and its proxy, and open the port.",
        "answer": "Check whether the site or its proxy hangs, and restart it.",
    }
    return failed(message, fixes[error.stage])


def _another_site(public_url: str, response: probe.Response) -> Result:
    status = f"HTTP {response.status}"
    if response.status in _GATEWAY_ERRORS:
        return failed(
            f"A proxy answers at {public_url} ({status}), but the site behind it does not.",
            "Start the site (gunicorn wsgi:app) at the address that the proxy expects.",
        )
    if response.status in _REDIRECTS:
        target = origin(response.headers.get("Location", ""))
        return failed(
            f"{public_url} redirects ({status}) to {target}.",
            "Set PUBLIC_URL to the address that it redirects to, or remove the redirect.",
            Section.ANOTHER_SITE,
        )
    if response.body == _ALIVE:
        return failed(
            f"A copy of this site answers at {public_url}, but it does not have this SECRET_KEY.",
            "Give every process and machine the same SECRET_KEY, and restart them all.",
            Section.ANOTHER_SITE,
        )
    return failed(
        f"Another site answers at {public_url} ({status}).",
        "Set PUBLIC_URL to this site's own address, or point that address to this site.",
        Section.ANOTHER_SITE,
    )


def proxies(context: Context) -> Result:
    """Compare a request as it arrived with how it was sent, and count the proxies between."""
    received, config = context.received, context.config
    if received is None:
        return skipped("public URL")
    trusted, hops = config.trusted_proxies, received.hops
    through = counted(hops, "proxy", "proxies")
    if hops > trusted:
        return failed(
            f"Requests come through {through} but TRUSTED_PROXIES is {trusted}, so all visitors "
            f"share one address here, and their requests seem to use {received.scheme}.",
            f"Set TRUSTED_PROXIES={hops} if these proxies are yours, and restart.",
        )
    if changed := _changed_by_proxy(received, urlsplit(config.public_url)):
        return changed
    if hops < trusted:
        return warning(
            f"TRUSTED_PROXIES is {trusted} but this request came through {hops}, so visitors can "
            "forge their address.",
            f"Set TRUSTED_PROXIES={hops}, unless visitors pass more proxies than this machine.",
        )
    if hops == 0 and config.https:
        return warning(
            "Requests reach this site through no proxy, so a few dozen half-sent ones block all "
            "threads of a worker.",
            f"Put a proxy in front that buffers requests; {_NGINX}.",
        )
    return ok(f"Requests arrive as they were sent, through {through}.")


def _changed_by_proxy(received: self_request.ReceivedRequest, sent: SplitResult) -> Result | None:
    """Return the result if a proxy has changed the scheme or host of a request."""
    if received.scheme != sent.scheme:
        return failed(
            f"A request sent by {sent.scheme} arrives as {received.scheme}: the proxy does not "
            "pass the scheme on.",
            f"Have the proxy set X-Forwarded-Proto; {_NGINX}.",
        )
    if received.host != sent.netloc:
        return failed(
            f"A request for {sent.netloc} arrives as one for {received.host}, so pages redirect "
            "in a loop.",
            "Have the proxy pass on Host, and X-Forwarded-Host if it sends that, unchanged and "
            f"with the port (in nginx $http_host, not $host); {_NGINX}.",
        )
    return None
