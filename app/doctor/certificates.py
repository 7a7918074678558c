"""Whether the certificates of Twitter's hosts are trusted here, and by the site as well."""

from __future__ import annotations

import os

from dotenv import dotenv_values

from app.doctor import probe
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok, warning
from app.doctor.settings import DOTENV
from app.twitter.origins import origin

# OpenSSL reads it from the environment. `flask` puts .env into its own; gunicorn does not.
_AUTHORITIES = "SSL_CERT_FILE"


def tls(patient: Patient) -> Finding:
    """Judge the certificates of both hosts."""
    secure = [url for url in (patient.authorize_url, patient.me_url) if url.startswith("https://")]
    if not secure:
        return ok("Plain http on loopback: there is no TLS to judge.")
    for url in secure:
        try:
            patient.asked(url)
        except probe.NotReached as error:
            if error.proxy is not None:
                continue
            return failed(
                f"No safe connection to {origin(url)}: {error}.",
                "Set the clock, update ca-certificates, and look for a proxy that opens TLS. "
                "To trust a test server, or such a proxy, set SSL_CERT_FILE in the site's "
                "environment to the file of its authority.",
                Section.TLS,
            )
    in_dotenv = dotenv_values(DOTENV).get(_AUTHORITIES)
    if in_dotenv and in_dotenv == os.environ.get(_AUTHORITIES):
        return warning(
            f"Certificates are trusted here: this command has read {_AUTHORITIES} from .env, and "
            "the site does not.",
            f"Set {_AUTHORITIES} in the environment in which gunicorn and the outbox are started.",
            Section.TLS,
        )
    return ok("Certificates are trusted.")
