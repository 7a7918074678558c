"""Figures of several workers: each answers for all of them, and counts survive a worker."""

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

TOKEN = "a-word-between-us-and-prometheus"
WORKERS = 3
SIGN_INS = 12
HANDS = 6
ASKED = 20

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=[(), ("--preload",)], ids=["each", "preloaded"])
def site(request, sites, twitter_server, tmp_path_factory):
    return sites.start(
        twitter_server,
        gunicorn=(*request.param, "wsgi:app"),
        WEB_CONCURRENCY=str(WORKERS),
        METRICS_TOKEN=TOKEN,
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path_factory.mktemp("figures")),
    )


@pytest.fixture
def folder(site):
    """Where this site's workers keep their figures at the moment."""

    def newest():
        given = Path(site.environ["PROMETHEUS_MULTIPROC_DIR"])
        return max(given.glob("perch-metrics-*"), key=lambda path: path.stat().st_ctime_ns)

    return newest


def figures(site):
    answer = requests.get(
        f"{site.address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def completed(site):
    return figures(site)["perch_sign_ins_total", "completed"]


def test_whoever_is_asked_tells_of_all_workers(site, twitter, visit):
    before = figures(site)

    with ThreadPoolExecutor(HANDS) as hands:
        answers = list(hands.map(lambda _: visit().sign_in().status_code, range(SIGN_INS)))
    told = [figures(site) for _ in range(ASKED)]

    assert answers == [200] * SIGN_INS
    for name in [
        ("perch_sign_ins_total", "completed"),
        ("perch_sign_ins_started_total",),
        ("perch_exchange_seconds_count",),
        ("perch_twitter_calls_total", "200", "oauth2/token"),
    ]:
        grown = {page[name] - before.get(name, 0) for page in told}
        assert grown == {SIGN_INS}, name


def test_a_worker_that_dies_takes_no_count_with_it(site, folder, twitter, visit):
    visit().sign_in()
    counted = completed(site)
    workers = children(site)

    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: len(children(site)) == WORKERS and workers[0] not in children(site))
    wait_until(lambda: not (folder() / f"gauge_livesum_{workers[0]}.db").exists())

    assert completed(site) == counted
    assert figures(site)["perch_refresh_waiters",] == 0


def test_a_reload_begins_at_zero_and_leaves_no_heap_of_files(site, folder, twitter, visit):
    visit().sign_in()
    seen = {folder()}
    for _ in range(3):
        before = folder()
        workers = children(site)
        site.process.send_signal(signal.SIGHUP)
        wait_until(lambda before=before: folder() != before)
        wait_until(
            lambda workers=workers: (
                len(children(site)) == WORKERS and not set(children(site)) & set(workers)
            ),
            seconds=30,
        )
        seen.add(folder())

    assert completed(site) == 0
    assert visit().sign_in().status_code == 200
    assert completed(site) == 1
    assert len(seen) == 4
    assert len(list(folder().parent.iterdir())) <= 2


def test_without_the_word_nothing_is_told(site):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Forwarded-For": "127.0.0.1"}):
        answer = requests.get(f"{site.address}/metrics", headers=headers, timeout=10)

        assert answer.status_code == 403
        assert not answer.cookies


def test_the_folder_goes_with_its_master(sites, twitter_server, tmp_path):
    site = sites.start(
        twitter_server, WEB_CONCURRENCY="1", PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "not-yet")
    )
    assert len(list((tmp_path / "not-yet").iterdir())) == 1

    site.process.send_signal(signal.SIGTERM)
    site.process.wait(20)

    assert list((tmp_path / "not-yet").iterdir()) == []


def test_lines_of_an_https_site_are_json(sites, twitter_server):
    site = sites.start(
        twitter_server,
        WEB_CONCURRENCY="1",
        PUBLIC_URL="https://birds.example",
        PYTHONUNBUFFERED="1",
    )
    secret = "dk3Xb8vT0qGm1YwR5cZs7uLhPa2NfJe9oViQ4tKxWyE"

    requests.get(
        f"{site.address}/auth/callback?code={secret}&state={secret}",
        headers={"Host": "birds.example", "User-Agent": f"bird {secret}"},
        timeout=10,
    )
    wait_until(lambda: "/auth/callback" in site.logged())

    lines = [json.loads(line) for line in site.logged().splitlines()]
    loggers = {line["logger"] for line in lines}
    assert {"gunicorn.error", "gunicorn.access", "app.events"} <= loggers
    refused = next(line for line in lines if line["event"] == "sign_in.refused")
    assert refused["why"] == "NotOurs"
    assert re.fullmatch(r"[0-9a-f]{12}", refused["request"])
    assert secret not in site.logged()


def children(site):
    """Return the pids of gunicorn's workers."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == site.process.pid and fields[0] != "Z":
                pids.append(int(path.parent.name))
    return sorted(pids)
