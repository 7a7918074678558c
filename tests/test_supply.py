"""What the site is made of: the list of it, and the question whether it has holes."""

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest

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


def test_every_package_is_wanted_by_somebody(bill):
    wanted = {ref for each in bill["dependencies"] for ref in each["dependsOn"]}

    assert wanted == {each["bom-ref"] for each in bill["components"]}


def test_the_same_lock_gives_the_same_bill(bill):
    again = SBOM["document"](SBOM["packages"](LOCK))

    assert json.dumps(again) == json.dumps(bill)


@pytest.mark.parametrize(
    "says, status, told",
    [
        ("No known vulnerabilities found", 0, "No known vulnerabilities found"),
        ("Name Version ID Fix Versions\nflask 0.1 X 0.2", 1, "Holes are known."),
        ("ERROR: flask: Dependency not found", 1, "nothing was checked, and this is no all-clear"),
        ("ERROR: connection timed out", 1, "nothing was checked, and this is no all-clear"),
    ],
)
def test_the_audit_says_what_it_knows_and_no_more(tmp_path, says, status, told):
    tool = tmp_path / "pip-audit"
    tool.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\necho "{says}"\nexit {status}\n')
    tool.chmod(0o755)

    done = subprocess.run(
        [ROOT / "bin" / "audit"],
        env={"PATH": os.environ["PATH"], "PIP_AUDIT": str(tool)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == status
    assert told in done.stdout + done.stderr
    assert "--strict" in (tmp_path / "asked").read_text()
