"""Cuts the part of X's specification that the sandbox plays out of the whole.

$ curl -sO https://api.x.com/2/openapi.json
$ python -m tests.sandbox.cut_openapi openapi.json "api.x.com, 2026-08-22" > part.json

The result is kept as `x-openapi-2.167-part.json` beside this file, with the specification's version
in its name. X keeps older versions in https://github.com/xdevplatform/docs (`openapi.json`).
"""

import json
import re
import sys
from pathlib import Path

from sandbox import create_app
from sandbox.api.endpoints import ENDPOINTS

PART = (
    "The operations that the sandbox plays and what they refer to, without the descriptions. "
    "Nothing else is changed. Made by tests/sandbox/cut_openapi.py."
)
_KEPT = ("operationId", "parameters", "requestBody", "responses", "security")
_PROSE = ("description", "summary", "externalDocs")


def cut(whole, source):
    """Return the part of a specification that has the sandbox's operations.

    `source` says where the specification is from, and of when.
    """
    paths = {
        path: {
            method: {key: bare(found[key]) for key in _KEPT if key in found}
            for method, found in methods.items()
            if (method.upper(), nameless(path)) in PLAYED
        }
        for path, methods in whole["paths"].items()
    }
    paths = {path: methods for path, methods in paths.items() if methods}
    info = {"title": whole["info"]["title"], "version": whole["info"]["version"]}
    return {
        "openapi": whole["openapi"],
        "info": info | {"x-source": source, "x-part": PART},
        "paths": paths,
        "components": referred_to(paths, whole["components"]),
    }


def nameless(path):
    """Return a path without the names of its parts, which are not the sandbox's."""
    return re.sub(r"[{<]\w+[}>]", "{}", path)


def bare(value, *, names=False):
    """Return a value without prose. `names`: its keys are names, and `description` may be one."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: bare(inner, names=key == "properties" and not names)
        for key, inner in value.items()
        if names or key not in _PROSE
    }


def referred_to(paths, components):
    """Return the components that the paths refer to, and those that these refer to."""
    found, text = {}, json.dumps(paths)
    while missing := set(re.findall(r"#/components/(\w+)/(\w+)", text)) - found.keys():
        for kind, name in missing:
            found[kind, name] = bare(components[kind][name])
        text = json.dumps(list(found.values()))
    kinds = sorted({kind for kind, _ in found}, reverse=True)
    return {
        kind: {name: found[kind, name] for k, name in sorted(found) if k == kind} for kind in kinds
    }


PLAYED = {(row.method, nameless(row.rule)) for row in ENDPOINTS} | {
    (method, nameless(rule.rule))
    for rule in create_app().url_map.iter_rules()
    for method in rule.methods or ()
    if "webhook" in rule.endpoint or "subscription" in rule.endpoint
}

if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(json.dumps(cut(whole, sys.argv[2]), indent=1, ensure_ascii=False) + "\n")
