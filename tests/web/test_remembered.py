"""The HTML that is kept beside cached answers: as right as new, one person's, and counted."""

import gc
import json
import re
import tracemalloc
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import jinja2
import pytest
from flask import render_template_string

from app.pages.remembered import MOST_BYTES
from app.storage.cache import _size
from app.twitter.models import Tweet
from app.twitter.page import Page, page_of_list
from app.twitter.source import Document
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.sections import all_of, rows_of
from tests.web.answers import (
    FOLLOWERS,
    FOLLOWING,
    ME,
    NOT_IN_PLAN,
    ROBIN,
    TWEET,
    stand,
)
from tests.web.test_hostile_content import PAGES, fill

TWEETS = '{{ remembered("tweets.tweet", page.items, page) | join }}'
CHART = '{{ remembered("chart.reactions_chart", [page.items], page) | join }}'
NOW = datetime(2026, 12, 31, 23, 57, 30, tzinfo=UTC)
FOLLOWED = {"json": {"data": {"following": True, "pending_follow": False}}}
ITEMS = {"tweets.html", "chart.html", "person.html"}
ITEMS |= {f"{name.partition('.')[0]}.html" for name in rows_of("REMEMBERED")}
# Tokens of forms, and what the page of a form is called.
NEW_EACH_TIME = re.compile(r'name="(?:csrf_token|once)" value="[^"]*"')


def kept_in(app):
    """Return the pages that are parsed from the cached answers."""
    stored = app.extensions["perch"].cache._store._values.values()
    return [page for each in stored for page in each.parsed.values()]


def forget_html(app):
    for page in kept_in(app):
        page.rendered.clear()


@pytest.fixture
def made(monkeypatch):
    """Note each template whose macros are made for items that must be rendered."""
    names = []
    make_module = jinja2.Template.make_module

    def noted(template, *args, **kwargs):
        names.append(template.name)
        return make_module(template, *args, **kwargs)

    monkeypatch.setattr(jinja2.Template, "make_module", noted)
    return names


def test_a_warm_page_renders_no_item_again(signed_in, twitter, made):
    stand(twitter)
    for path in ("/", "/tweets"):
        cold = signed_in.get(path).text
        del made[:]
        warm = signed_in.get(path).text

        assert NEW_EACH_TIME.sub("", warm) == NEW_EACH_TIME.sub("", cold)
        assert not {name for name in made if name.removeprefix("partials/") in ITEMS}


def at(**ago):
    return (NOW - timedelta(**ago)).isoformat()


def moments():
    """Return a Tweet for each way in which a Tweet shows the time."""
    for number, created in enumerate(
        [at(seconds=30), at(minutes=58), at(hours=23, minutes=58), at(days=6, hours=23, minutes=58)]
    ):
        yield {"id": f"2{number}", "text": "An age", "created_at": created}
    yield {"id": "30", "text": "This year", "created_at": at(days=200)}
    yield {"id": "31", "text": "A poll", "attachments": {"poll_ids": ["1"]}}
    for number, kind in enumerate(["quoted", "retweeted"]):
        yield {
            "id": f"4{number}",
            "text": kind,
            "created_at": at(days=300),
            "referenced_tweets": [{"type": kind, "id": "9"}],
        }


def test_a_warm_page_tells_the_time_as_a_cold_one(build_app, kind_twitter, clock):
    clock.moment = NOW
    includes = {
        "users": [ROBIN],
        "tweets": [{"id": "9", "text": "Fresh", "created_at": at(seconds=30)}],
        "polls": [{"id": "1", "options": [{"label": "Yes"}], "end_datetime": at(seconds=-45)}],
    }
    further = {}
    for shown_at in all_of("shown_at"):
        further |= shown_at(at(seconds=-50))
    tweets = {"json": {"data": list(moments()), "includes": includes}}
    stand(kind_twitter, tweets=tweets, **further)
    app = build_app(CACHE_SECONDS="86400")
    client = app.test_client()
    client.sign_in()

    def articles(path):
        return re.findall(r"<article.*?</article>", client.get(path).text, re.DOTALL)

    changed = {path: set() for path in ("/", "/tweets")}
    for path, places in changed.items():
        before = articles(path)
        for _ in range(16):
            clock.advance(seconds=20)
            warm = articles(path)
            forget_html(app)
            assert warm == articles(path)
            places |= {place for place, old in enumerate(before) if warm[place] != old}
        clock.moment = NOW

    assert len(changed["/tweets"]) == 8
    assert len(changed["/"]) == 8 + len(further)  # and one thing of each section


def reader(user_id):
    return SimpleNamespace(twitter_id=user_id, profile=SimpleNamespace(id=user_id))


@pytest.fixture
def render(app):
    """Render a page's items for one reader, under one root."""

    def render(source, page, *, reader_id=ME, root="", now=NOW):
        with app.test_request_context("/", base_url=f"http://localhost{root}"):
            return render_template_string(
                source, page=page, person=reader(reader_id), now=now, twitter_site="https://x.com"
            )

    return render


def page_with(tweets, users=(ROBIN,)):
    return page_of_list({"data": list(tweets), "includes": {"users": list(users)}}, Tweet.from_json)


def test_html_of_one_reader_is_not_shown_to_another(render):
    """Even if both had the same answer in memory, which its key prevents."""
    page = page_with([TWEET | {"author_id": "1002"}])

    to_wren, to_robin = (render(TWEETS, page, reader_id=each) for each in (ME, "1002"))

    assert 'href="/people/id/1002"' in to_wren
    assert 'href="/people/id/1002"' not in to_robin


def test_two_people_with_equal_answers_keep_their_own(build_app, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    answer = {"data": [TWEET | {"author_id": "1002"}], "includes": {"users": [ROBIN]}}
    app, pages = build_app(), {}
    for user_id in (ME, "1002"):
        twitter.upsert("GET", ME_PATH, json=user_answer(id=user_id))
        twitter.get(f"/users/{user_id}/tweets", json=answer)
        client = app.test_client()
        client.sign_in()
        pages[user_id] = [client.get("/tweets").text for _ in range(2)]

    assert ['href="/people/id/1002"' in page for page in pages[ME]] == [True, True]
    assert ['href="/people/id/1002"' in page for page in pages["1002"]] == [False, False]


def test_links_follow_the_root_of_the_site(render):
    page = page_with([TWEET])

    assert 'href="/tweets/10"' in render(TWEETS, page)
    assert 'href="/birds/tweets/10"' in render(TWEETS, page, root="/birds")


def test_items_at_the_same_place_are_told_apart(render):
    page = page_with([TWEET, TWEET | {"text": "Another Tweet"}])
    reverse = TWEETS.replace("page.items,", "page.items | reverse | list,")

    forwards = [render(TWEETS, page) for _ in range(2)][1]

    assert forwards.index("Good morning") < forwards.index("Another Tweet")
    backwards = render(reverse, page)
    assert backwards.index("Another Tweet") < backwards.index("Good morning")


def test_an_item_of_another_kind_must_say_which_times_it_shows(render):
    with pytest.raises(TypeError, match="dict: "):
        render(TWEETS, Page(items=({"id": "1"},)))


def test_no_form_and_no_secret_is_kept(build_app, twitter):
    fill(twitter, ["Good morning"] * 3)
    app = build_app()
    client = app.test_client()
    client.sign_in()
    for path in PAGES:
        client.get(path)

    html = [kept.html.decode() for page in kept_in(app) for kept in page.rendered.values()]

    names = {name for page in kept_in(app) for name, _ in page.rendered}
    assert names == {
        "tweets.tweet",
        "chart.reactions_chart",
        *rows_of("REMEMBERED"),
        "person.identity",
        "person.in_row",
    }
    assert not [each for each in html if re.search("<form|<button|<input|csrf|once", each)]


def test_a_follow_changes_the_button_and_the_mark_at_once(client, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token(scope=f"{twitter.dialect.granted()} follows.write"))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(FOLLOWING, **FOLLOWED)
    for connections in ([], ["following", "followed_by"]):
        twitter.get(FOLLOWERS, json={"data": [ROBIN | {"connection_status": connections}]})
    client.sign_in()
    before = [client.get("/follows/followers").text for _ in range(2)]

    client.press("/follows", user_id="1002", username="robin", next="/follows/followers")
    after = [client.get("/follows/followers").text for _ in range(2)]

    assert [("Unfollow @robin" in page, "Follows you" in page) for page in before + after] == [
        (False, False), (False, False), (True, True), (True, True)
    ]  # fmt: skip


def test_a_verdict_takes_the_button_from_a_warm_page(client, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token(scope=f"{twitter.dialect.granted()} follows.write"))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(FOLLOWING, **NOT_IN_PLAN)
    stand(twitter, followers={"json": {"data": [ROBIN]}})
    client.sign_in()
    before = [client.get("/follows/followers").text for _ in range(2)][1]

    client.press("/follows", user_id="1002", username="robin", next="/")
    after = client.get("/follows/followers").text

    assert "Follow @robin" in before
    assert "Robin Redbreast" in after
    assert "Follow @robin" not in after


def test_without_the_permission_nothing_kept_is_shown(client, twitter):
    stand(twitter)
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=twitter.token(scope="users.read offline.access"))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    before = [client.get("/tweets").text for _ in range(2)][1]
    client.press_log_out()

    client.sign_in()

    assert TWEET["text"] in before
    assert TWEET["text"] not in client.get("/tweets").text


def test_kept_html_goes_with_the_answers_at_a_logout(signed_in, twitter, app):
    stand(twitter)
    signed_in.get("/tweets")
    assert any(page.rendered for page in kept_in(app))

    signed_in.press_log_out()

    assert not [page for page in kept_in(app) if page.rendered]


def test_the_buttons_of_each_page_have_its_own_id(signed_in, twitter):
    stand(twitter)

    pages = [signed_in.get("/follows/followers").text for _ in range(2)]

    once = [re.findall(r'name="once" value="([^"]+)"', page) for page in pages]
    assert all(once)
    assert once[0] != once[1]


@pytest.mark.parametrize("text", ["Good morning from the ivy", "🐦" * 140])
def test_the_weight_of_an_answer_has_room_for_its_html(app, render, text):
    kinds = ("retweet", "reply", "like", "quote", "bookmark", "impression")
    always = {  # of the fields that we ask for, what X sends with every Tweet
        "text": text,
        "lang": "en",
        "possibly_sensitive": False,
        "edit_history_tweet_ids": ["10"],
        "public_metrics": {f"{kind}_count": 3 for kind in kinds},
    }
    tweets = [TWEET | always | {"id": str(100 + number)} for number in range(20)]
    answer = json.dumps({"data": tweets, "includes": {"users": [user_answer()["data"]]}})

    def keep(number):
        stored = app.extensions["perch"].cache.put(f"answer {number}", json.loads(answer))
        page = page_of_list(Document(stored.value, stored.parsed), Tweet.from_json)
        render(TWEETS + CHART, page)
        return stored

    keep(0)  # compiles the templates
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        stored = [keep(number) for number in range(1, 6)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < sum(map(_size, stored))


def test_very_long_html_is_not_kept(render):
    page = page_with([TWEET | {"text": "'" * MOST_BYTES}, TWEET])

    first, again = (render(TWEETS, page) for _ in range(2))

    assert first == again
    assert list(page.rendered) == [("tweets.tweet", 1)]
