"""The guard against open redirects: `next` may be a path of this site and nothing else."""

from __future__ import annotations

from werkzeug.urls import iri_to_uri

HOME = "/"
# Five flow cookies, each with its path, must fit into one Cookie header (8 kB).
LONGEST = 512


def local(path: str | None) -> str:
    r"""Return `path` if it is a path of this site, else home.

    Browsers read `/\evil`, `//evil` and a path with a tab in it as another host (RFC 9700 §4.11).
    """
    if not path or not path.startswith("/") or path.startswith("//"):
        return HOME
    if "\\" in path or not path.isprintable():
        return HOME
    if path.startswith("/auth/"):  # a sign-in does not end in another one
        return HOME
    address = iri_to_uri(path)  # the form in which it is stored and sent
    return address if len(address) <= LONGEST else HOME
