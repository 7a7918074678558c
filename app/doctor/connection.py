"""The way from here to Twitter: straight, or through the proxy of `TWITTER_PROXY`."""

from __future__ import annotations

import os

from app.doctor import probe
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok
from app.twitter.transport.tunnel import ProxyTrouble

IGNORED = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
ADDRESS = "Look whether host and port of TWITTER_PROXY are right, and whether the proxy runs."
_ALLOW = "Have the proxy's operator allow CONNECT from this machine to port 443 of Twitter's hosts."
CURES = {
    ProxyTrouble.NAME: "Correct the host in TWITTER_PROXY, or look at this machine's DNS.",
    ProxyTrouble.CONNECTION: ADDRESS,
    ProxyTrouble.TIMEOUT: f"{ADDRESS} A firewall may stand between.",
    ProxyTrouble.SILENCE: "Look whether the proxy is stuck, and whether its port is for HTTP.",
    ProxyTrouble.DROPPED: "Look into the proxy's log, and whether its port is for plain HTTP.",
    ProxyTrouble.GARBAGE: "Point TWITTER_PROXY at the port on which the proxy takes HTTP.",
    ProxyTrouble.PASSWORD: "Put user and password into TWITTER_PROXY, percent-encoded: "
    "http://user:password@host:port",
    ProxyTrouble.FORBIDDEN: _ALLOW,
    ProxyTrouble.BEHIND: "Look at the proxy's own firewall and DNS, and at X's status page.",
}


def way_out(patient: Patient) -> Finding:
    """Tell whether the proxy lets us out; whether Twitter answers behind it is asked later."""
    proxy = patient.proxy
    if proxy is None:
        return ok("Straight to Twitter, through no proxy." + _unused())
    try:
        patient.asked(patient.me_url)
    except probe.NotReached as error:
        if error.proxy is not None:
            said = f"The proxy at {proxy.address} fails: {error}."
            return failed(said + _unused(), CURES[error.proxy], Section.PROXY)
    return ok(f"Through the proxy at {proxy.address}, which lets us out." + _unused())


def ignored() -> str:
    """Name the settings of proxies in the environment that other programs follow."""
    return ", ".join(
        name for name in IGNORED if os.environ.get(name) or os.environ.get(name.lower())
    )


def _unused() -> str:
    names = ignored()
    return f" TWITTER_PROXY decides, and not {names} in the environment." if names else ""
