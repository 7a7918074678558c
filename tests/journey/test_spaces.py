"""Times of Spaces in a real browser: with scripts those of the reader's zone, without in UTC."""

import pytest

from tests.journey.chromium import Reader
from tests.journey.test_scripts import KOLKATA, minutes, signed_in

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

PLANNED = "#spaces [data-state=scheduled] time"


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


def test_the_time_of_a_planned_space_is_that_of_the_readers_zone(chromium, site, twitter):
    context = chromium.new_context(timezone_id=KOLKATA, locale="en-GB")
    try:
        planned = signed_in(Reader(context, site.url)).page.locator(PLANNED).first
        exact, here = planned.get_attribute("title"), planned.inner_text()
    finally:
        context.close()

    assert exact.endswith("UTC")
    assert not here.endswith("UTC")
    assert minutes(here) == (minutes(exact) + 330) % 1440


def test_without_scripts_times_say_that_they_are_utc(read, twitter):
    reader = signed_in(read(scripts=False))

    planned = reader.page.locator(PLANNED).first

    assert planned.inner_text().endswith("UTC")
