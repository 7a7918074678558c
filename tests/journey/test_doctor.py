"""`flask doctor` as typed, beside a running site."""

import json
import subprocess
import sys

import pytest

from app.doctor.checks import CHECKS
from tests.journey.sites import CLIENT_SECRET, ROOT, SECRET_KEY

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


@pytest.fixture
def doctor(site, twitter):
    """Run `flask doctor` with the site's settings but for these; no secret may be printed."""

    def run(*options, **settings):
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "doctor", *options],
            cwd=ROOT,
            env=site.environ | settings,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        for secret in (CLIENT_SECRET, SECRET_KEY, site.environ["TOKEN_KEYS"]):
            assert secret not in done.stdout + done.stderr
        return done

    return run


def problems(done):
    checks = json.loads(done.stdout)["checks"]
    return {check["name"]: check for check in checks if check["status"] in {"failed", "warning"}}


def test_a_running_site_is_well(doctor, site):
    done = doctor("--json")

    assert problems(done) == {}
    assert done.returncode == 0


def test_gunicorn_answers_how_the_request_arrived(doctor, site):
    done = doctor("--json", TRUSTED_PROXIES="2")

    said = problems(done)["proxies"]["message"]
    assert said.startswith("TRUSTED_PROXIES is 2 but this request came through 0")


def test_a_wrong_secret_is_named_and_the_exit_code_tells(doctor):
    done = doctor("--json", TWITTER_CLIENT_SECRET="the-secret-of-last-year")

    assert "does not accept TWITTER_CLIENT_SECRET" in problems(done)["client"]["message"]
    assert done.returncode == 1


def test_three_wrong_settings_are_named_at_once(doctor):
    done = doctor(PUBLIC_URL="birds", TRUSTED_PROXIES="many", SESSION_DAYS="0")

    for name in ("PUBLIC_URL", "TRUSTED_PROXIES", "SESSION_DAYS"):
        assert f"{name}: " in done.stdout
    assert f"1 failed, 0 warnings, of {len(CHECKS)} checks." in done.stdout
    assert [done.returncode, done.stderr] == [1, ""]


def test_a_database_that_is_not_there_is_not_made(doctor, tmp_path):
    done = doctor("--json", DATABASE_URL=f"sqlite:///{tmp_path}/new.db")

    assert problems(done)["database"]["fix"] == "Run: flask --app wsgi db upgrade"
    assert list(tmp_path.iterdir()) == []
