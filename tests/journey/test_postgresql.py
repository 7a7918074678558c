"""The same journey on PostgreSQL."""

import pytest

from tests.journey.sites import environment, upgrade, wait_until
from tests.journey.visitor import Visitor

pytestmark = pytest.mark.loopback


def test_somebody_signs_in_and_out_on_postgresql(sites, twitter, postgresql_url):
    upgrade(environment(twitter, DATABASE_URL=postgresql_url))
    site = sites.start(twitter, DATABASE_URL=postgresql_url, WEB_CONCURRENCY="2")

    with Visitor(site.url) as visitor:
        page = visitor.sign_in("jay")

        assert page.status_code == 200
        assert "@jay" in page.text
        assert [token["state"] for token in twitter.tokens()] == ["living", "living"]

        visitor.log_out()

        assert not visitor.is_signed_in()
        wait_until(lambda: [t["state"] for t in twitter.tokens()] == ["revoked", "revoked"])
    site.stop()
