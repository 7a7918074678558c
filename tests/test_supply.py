"""The packages of the site: the list of them, and the search for known vulnerabilities."""

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parent.parent
SBOM = runpy.run_path(str(ROOT / "bin" / "sbom"))
LOCK = (ROOT / "requirements.txt").read_text()


@pytest.fixture(scope="module")
def bill():
    return SBOM["document"](SBOM["packages"](LOCK))


def test_every_locked_package_is_in_the_bill_with_all_its_hashes(bill):
    pins = re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==([^ \\]+)", LOCK, re.MULTILINE)

    assert [(each["name"], each["version"]) for each in bill["components"]] == pins
    assert sum(len(each["hashes"]) for each in bill["components"]) == LOCK.count("--hash=sha256:")
    assert all(each["hashes"] for each in bill["components"])


def test_the_bill_has_what_cyclonedx_demands(bill):
    refs = [each["bom-ref"] for each in bill["components"]]

    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert len(refs) == len(set(refs))
    for each in bill["components"]:
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert all(re.fullmatch("[0-9a-f]{64}", found["content"]) for found in each["hashes"])
    assert {each["ref"] for each in bill["dependencies"]} == {"perch", *refs}


def test_the_bill_says_what_the_site_asked_for_itself(bill):
    [ours] = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == "perch"]
    asked = re.findall(r"^([a-zA-Z0-9_-]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE)

    assert {ref.split("/")[1].split("@")[0] for ref in ours} == {
        name.lower().replace("_", "-") for name in asked
    }


def test_every_package_is_wanted_by_another(bill):
    wanted = {ref for each in bill["dependencies"] for ref in each["dependsOn"]}

    assert wanted == {each["bom-ref"] for each in bill["components"]}


def test_the_same_lock_gives_the_same_bill(bill):
    again = SBOM["document"](SBOM["packages"](LOCK))

    assert json.dumps(again) == json.dumps(bill)


NO_HOLE = ("No known vulnerabilities found", 0)
A_HOLE = ("Name Version ID Fix Versions\nflask 0.1 X 0.2", 1)
UNKNOWN = ("ERROR: flask: Dependency not found", 1)
AWAY = ("ERROR: connection timed out", 1)
NOT_ASKED = "nothing was checked, and this is no all-clear"


@pytest.fixture
def audit(tmp_path):
    """Run the audit with a tool that answers this; return the exit code and the output."""

    def run(says, status, *options):
        tool = tmp_path / "pip-audit"
        tool.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\necho "{says}"\nexit {status}\n')
        tool.chmod(0o755)
        done = subprocess.run(
            [ROOT / "bin" / "audit", *options],
            env={"PATH": os.environ["PATH"], "PIP_AUDIT": str(tool)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("options, unreachable", [([], 1), (["--if-reachable"], 0)])
def test_the_audit_says_only_what_it_knows(audit, tmp_path, options, unreachable):
    """`make sure` needs no network, but accepts no known vulnerability."""
    expected = [
        (NO_HOLE, 0, "No known vulnerabilities found"),
        (A_HOLE, 1, "Vulnerabilities are known."),
        (UNKNOWN, unreachable, NOT_ASKED),
        (AWAY, unreachable, NOT_ASKED),
    ]
    answers = [audit(*found, *options) for found, *_ in expected]

    assert [ended for ended, _ in answers] == [status for _, status, _ in expected]
    assert [
        (said, told)
        for (_, said), (*_, told) in zip(answers, expected, strict=True)
        if told not in said
    ] == []
    assert "--strict" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    "target, command", [("sure", "bin/audit --if-reachable"), ("audit", "bin/audit")]
)
def test_only_make_sure_passes_where_the_advisories_cannot_be_reached(target, command):
    shown = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )

    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert [line for line in lines if line.startswith("bin/audit")] == [command]


def test_the_audit_refuses_unknown_options(audit):
    assert audit(*NO_HOLE, "--quick")[0] == 2
