"""Metrics of several workers: each answers for all of them, and counts survive a worker."""

import contextlib
import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.journey.sites import wait_until
from tests.journey.visitor import SECONDS_TO_ANSWER

TOKEN = "a-word-between-us-and-prometheus"
WORKERS = 3
PEOPLE = ["wren", "robin", "jay", "heron"]
SIGN_INS = 3 * len(PEOPLE)
ASKED = 20

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=[(), ("--preload",)], ids=["each", "preloaded"])
def site(request, sites, twitter_server, tmp_path_factory):
    return sites.start(
        twitter_server,
        gunicorn=(*request.param, "wsgi:app"),
        WEB_CONCURRENCY=str(WORKERS),
        METRICS_TOKEN=TOKEN,
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path_factory.mktemp("metrics")),
    )


def folders(site):
    """Return the folders of this site's metrics: each reload makes one."""
    return set(Path(site.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("perch-metrics-*"))


def scrape(site):
    """Return the metrics as any worker shows them, also while another one starts."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(f"{site.address}/metrics", headers=headers, timeout=SECONDS_TO_ANSWER)
    assert answer.status_code == 200, site.logged()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def completed(site):
    return scrape(site)["perch_sign_ins_total", "completed"]


def test_every_worker_answers_for_all_workers(site, twitter, visit):
    before = scrape(site)

    with ThreadPoolExecutor(len(PEOPLE)) as hands:
        answers = [
            status
            for _ in range(SIGN_INS // len(PEOPLE))
            for status in hands.map(lambda account: visit().sign_in(account).status_code, PEOPLE)
        ]
    told = [scrape(site) for _ in range(ASKED)]

    assert answers == [200] * SIGN_INS
    for name in [
        ("perch_sign_ins_total", "completed"),
        ("perch_sign_ins_started_total",),
        ("perch_exchange_duration_seconds_count",),
        ("perch_twitter_calls_total", "200", "oauth2/token"),
    ]:
        grown = {page[name] - before.get(name, 0) for page in told}
        assert grown == {SIGN_INS}, name


def test_a_killed_worker_takes_no_count_with_it(site, twitter, visit):
    visit().sign_in()
    counted = completed(site)
    killed = children(site)[0]

    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(children(site)) == WORKERS and killed not in children(site))
    wait_until(
        lambda: not any((it / f"gauge_livesum_{killed}.db").exists() for it in folders(site))
    )

    assert completed(site) == counted
    assert scrape(site)["perch_refresh_waiters",] == 0


def test_a_reload_begins_at_zero_and_keeps_two_folders(site, twitter, visit):
    visit().sign_in()
    seen = folders(site)
    for number in (2, 3):
        workers = set(children(site))
        site.process.send_signal(signal.SIGHUP)
        wait_until(
            lambda old=workers: len(children(site)) == WORKERS and not old & {*children(site)}
        )
        seen |= folders(site)
        assert len(seen) == number

    assert completed(site) == 0
    assert visit().sign_in().status_code == 200
    assert completed(site) == 1
    assert len(folders(site)) == 2


def test_without_the_token_no_metrics_are_shown(site):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Forwarded-For": "127.0.0.1"}):
        answer = requests.get(f"{site.address}/metrics", headers=headers, timeout=SECONDS_TO_ANSWER)

        assert answer.status_code == 403
        assert not answer.cookies


def test_an_https_site_writes_json_and_takes_its_folder_with_it(sites, twitter_server, tmp_path):
    folder = tmp_path / "not-yet"
    site = sites.start(
        twitter_server,
        WEB_CONCURRENCY="1",
        PUBLIC_URL="https://birds.example",
        PROMETHEUS_MULTIPROC_DIR=str(folder),
    )
    secret = "dk3Xb8vT0qGm1YwR5cZs7uLhPa2NfJe9oViQ4tKxWyE"
    began = list(folder.iterdir())

    requests.get(
        f"{site.address}/auth/callback?code={secret}&state={secret}",
        headers={"Host": "birds.example", "User-Agent": f"bird {secret}"},
        timeout=SECONDS_TO_ANSWER,
    )
    site.process.send_signal(signal.SIGTERM)
    site.process.wait(SECONDS_TO_ANSWER)

    lines = [json.loads(line) for line in site.logged().splitlines()]
    loggers = {line["logger"] for line in lines}
    assert {"gunicorn.error", "gunicorn.access", "app.observability.audit_log"} <= loggers
    refused = next(line for line in lines if line["event"] == "sign_in.refused")
    assert refused["error"] == "NoCookie"
    assert re.fullmatch(r"[0-9a-f]{12}", refused["request"])
    assert secret not in site.logged()
    assert (len(began), list(folder.iterdir())) == (1, [])


def children(site):
    """Return the pids of gunicorn's workers."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == site.process.pid and fields[0] != "Z":
                pids.append(int(path.parent.name))
    return sorted(pids)
