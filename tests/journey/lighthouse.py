"""Lighthouse on the pages of a site with a sandbox. By hand, for no test may need npm.

npm install lighthouse
python -m tests.journey.lighthouse node_modules/.bin/lighthouse
"""

import json
import os
import subprocess
import sys

from tests.journey.by_hand import running_site
from tests.journey.chromium import FLAGS, chromium_program
from tests.journey.visitor import Visitor

# On a slow telephone, which is what Lighthouse plays unless told otherwise.
GOALS = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
PUBLIC = ["/", "/how-it-works"]
SIGNED_IN = ["/", "/tweets", "/follows", "/spaces", "/account", "/account/sign-in"]
NOT_FOR_SEARCH_ENGINES = {"seo"}


def main(program):
    missed = []
    with running_site() as url, Visitor(url) as visitor:
        for path in PUBLIC:
            missed += look(program, url + path, {}, set(GOALS))
        visitor.sign_in("wren")
        cookies = "; ".join(f"{c.name}={c.value}" for c in visitor.session.cookies)
        for path in SIGNED_IN:
            headers = {"Cookie": cookies}
            missed += look(program, url + path, headers, set(GOALS) - NOT_FOR_SEARCH_ENGINES)
    return 1 if missed else 0


def look(program, url, headers, categories):
    """Print the marks of a page and what cost any, and return the goals it missed."""
    report = run(program, url, headers, categories)
    marks = {name: round(100 * part["score"]) for name, part in report["categories"].items()}
    where = url.partition("//")[2].partition("/")[2]
    who = "signed in " if headers else "signed out"
    sys.stdout.write(f"/{where:<18} {who} {marks}\n")
    for part in report["categories"].values():
        for reference in part["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if reference["weight"] and audit["score"] is not None and audit["score"] < 1:
                value = audit.get("displayValue", "")
                sys.stdout.write(f"    {audit['score']:.2f} {audit['title']}: {value}\n")
    return [name for name, mark in marks.items() if mark < GOALS[name]]


def run(program, url, headers, categories):
    command = [
        program,
        url,
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(sorted(categories))}",
        f"--extra-headers={json.dumps(headers)}",
        f"--chrome-flags={' '.join(FLAGS)}",
    ]
    environ = os.environ | {"CHROME_PATH": chromium_program()}
    done = subprocess.run(command, env=environ, capture_output=True, check=False, timeout=180)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
