"""Looking up Tweets and Spaces: pasted ids and links, in both dialects."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

PROBLEMS = "https://api.twitter.com/2/problems"
FIELDS = [("/tweets/lookup", "ids"), ("/spaces/lookup", "ids"), ("/spaces/lookup", "creators")]


def tweet(tweet_id):
    return {"id": tweet_id, "text": f"Song number {tweet_id}"}


def space(space_id, **changes):
    return {"id": space_id, "state": "live", "title": f"Space number {space_id}"} | changes


def person(user_id, username):
    return {"id": user_id, "username": username, "name": username.title()}


def missing(value, kind, detail=""):
    return {"value": value, "detail": detail, "parameter": "ids", "type": f"{PROBLEMS}/{kind}"}


def main_of(page):
    return page[page.index("<main") :]


def press(client, path, **fields):
    return client.post(path, data={"csrf_token": client.csrf_token("/account"), **fields})


def calls(twitter):
    """Every read after the sign-in."""
    requests = [call.request for call in twitter.calls if call.request.method == "GET"]
    return [request for request in requests if "/users/me" not in request.url]


# Tweets


def test_ids_and_links_are_read_at_once_and_shown_in_the_order_asked(signed_in, twitter):
    twitter.get("/tweets", json={"data": [tweet("10"), tweet("30"), tweet("20")]})
    typed = "30, https://x.com/wren/status/10?s=20\nmobile.twitter.com/wren/status/20 30"

    page = signed_in.get("/tweets/lookup", query_string={"ids": typed}).text

    assert re.findall(r"Song number (\d+)", page) == ["30", "10", "20"]
    assert calls(twitter)[-1].params["ids"] == "30,10,20"
    assert f">\n{typed}</textarea>" in unescape(page)


def test_what_is_missing_has_its_place_and_its_reason(signed_in, twitter):
    errors = [
        missing("10", "resource-not-found"),
        missing("20", "not-authorized-for-resource"),
        missing("30", "resource-not-found", "User has been suspended: [30]."),
    ]
    twitter.get("/tweets", json={"data": [tweet("40")], "errors": errors})

    page = signed_in.get("/tweets/lookup?ids=10,20,40,30,50").text

    places = [
        "This Tweet is gone",
        "This Tweet is protected",
        "Song number 40",
        "The account that wrote this Tweet is suspended.",
        "Twitter does not show this Tweet to us.",
    ]
    assert [page.index(words) for words in places] == sorted(map(page.index, places))
    assert "Tweet 50" in page


def test_nothing_but_missing_ones_is_no_error(signed_in, twitter):
    twitter.get("/tweets", json={"errors": [missing("10", "resource-not-found")]})

    answer = signed_in.get("/tweets/lookup?ids=10")

    assert answer.status_code == 200
    assert "This Tweet is gone" in answer.text


def test_trouble_is_said_once_and_not_for_each(signed_in, twitter):
    twitter.get("/tweets", status=503)

    page = signed_in.get("/tweets/lookup?ids=10,20").text

    assert page.count("Twitter is not answering.") == 1
    assert "Tweet 10" not in page


def test_a_hundred_links_come_by_post_and_leave_as_a_short_address(signed_in, twitter):
    ids = [str(1_000_000_000_000_000_000 + number) for number in range(100)]
    twitter.get("/tweets", json={"data": [tweet(tweet_id) for tweet_id in ids]})
    links = [f"https://twitter.com/somebody/status/{id_}?s=20&t=abcdefghijklmn" for id_ in ids]

    answer = press(signed_in, "/tweets/lookup", ids="\r\n".join(links))
    page = signed_in.get(answer.location).text

    assert answer.status_code == 303
    assert len(answer.location) < 4_000
    assert parse_qs(urlsplit(answer.location).query) == {"ids": [",".join(ids)]}
    assert page.count("<article") == 100


def test_a_look_up_can_be_refreshed(signed_in, twitter, clock):
    twitter.get("/tweets", json={"data": [tweet("10")]})
    signed_in.get("/tweets/lookup?ids=10")
    clock.advance(minutes=1)

    answer = press(signed_in, "/tweets/lookup?ids=10", refresh="tweets")

    assert (answer.status_code, answer.location) == (303, "/tweets/lookup?ids=10")
    assert len([call for call in calls(twitter) if "/tweets?" in call.url]) == 2


def test_refreshing_one_look_up_costs_no_call_of_another(signed_in, twitter, clock):
    twitter.get("/tweets", json={"data": [tweet("10")]})
    twitter.get("/tweets", json={"data": [tweet("11")]})
    for ids in ("10", "11"):
        signed_in.get(f"/tweets/lookup?ids={ids}")
    clock.advance(seconds=30)
    press(signed_in, "/tweets/lookup?ids=10", refresh="tweets")
    clock.advance(seconds=1)

    signed_in.get("/tweets/lookup?ids=11")

    asked = [call.params["ids"] for call in calls(twitter) if "/tweets?" in call.url]
    assert asked == ["10", "11", "10"]


def test_refreshing_a_hundred_is_remembered_in_a_small_cookie(signed_in, twitter, clock):
    ids = ",".join(str(1_000_000_000_000_000_000 + number) for number in range(100))
    twitter.get("/tweets", json={"data": [tweet("10")]})

    press(signed_in, f"/tweets/lookup?ids={ids}", refresh="tweets")

    assert len(signed_in.get_cookie("session", "127.0.0.1").value) < 500


# Spaces


def test_spaces_are_looked_up_by_id_and_link(signed_in, twitter):
    body = {
        "data": [space("1Bb", state="ended"), space("1Aa")],
        "errors": [missing("1Cc", "resource-not-found")],
    }
    twitter.get("/spaces", json=body)

    page = signed_in.get("/spaces/lookup?ids=1Aa,x.com/i/spaces/1Cc/peek+1Bb").text

    places = ["Space number 1Aa", "This Space is gone", "Space number 1Bb"]
    assert [page.index(words) for words in places] == sorted(map(page.index, places))
    assert calls(twitter)[-1].params["ids"] == "1Aa,1Cc,1Bb"


def test_spaces_are_looked_up_by_their_creators(signed_in, twitter):
    body = {"data": [space("1Aa", state="scheduled"), space("1Bb"), space("1Cc", state="ended")]}
    twitter.get("/spaces/by/creator_ids", json=body)

    page = signed_in.get("/spaces/lookup?creators=1002,1003").text

    assert page.index("Space number 1Bb") < page.index("Space number 1Aa")
    assert "Space number 1Cc" not in page
    assert calls(twitter)[-1].params["user_ids"] == "1002,1003"


def test_creators_are_known_by_username_and_link_as_well(signed_in, twitter):
    twitter.get("/users/by", json={"data": [person("1003", "Jay"), person("1002", "robin")]})
    twitter.get("/spaces/by/creator_ids", json={"data": [space("1Aa")]})

    page = signed_in.get("/spaces/lookup?creators=1001,@robin,x.com/jay").text

    names, people = calls(twitter)
    assert "Space number 1Aa" in page
    assert names.params["usernames"] == "robin,jay"
    assert people.params["user_ids"] == "1001,1003,1002"


def test_creators_who_are_missing_stand_below_what_was_found(signed_in, twitter):
    unknown = missing("dodo", "resource-not-found") | {"parameter": "usernames"}
    twitter.get("/users/by", json={"data": [person("1002", "robin")], "errors": [unknown]})
    errors = [
        missing("5", "resource-not-found"),
        missing("1002", "resource-not-found", "User has been suspended: [1002]."),
        missing("77", "resource-not-found"),  # somebody who came along, or did not
    ]
    twitter.get("/spaces/by/creator_ids", json={"data": [space("1Aa")], "errors": errors})

    page = signed_in.get("/spaces/lookup?creators=4,5,@Robin,dodo").text

    places = re.findall(r'<bdi class="username">([^<]+)</bdi>\s*<p class="quiet">([^<]+)<', page)
    assert places == [
        ("@dodo", "There is no such account."),
        ("5", "There is no such account."),
        ("@robin", "Twitter has suspended this account."),
    ]
    assert page.index("Space number 1Aa") < page.index("@dodo</bdi>")
    assert "None of them" not in page


@pytest.mark.parametrize("creators, said", [("4,5", True), ("5", False)])
def test_only_those_who_are_there_are_said_to_have_no_space(signed_in, twitter, creators, said):
    errors = [missing("5", "resource-not-found")]
    twitter.get("/spaces/by/creator_ids", json={"errors": errors})

    page = signed_in.get(f"/spaces/lookup?creators={creators}").text

    assert "There is no such account." in page
    assert ("None of them is in a Space or has planned one." in page) == said


def test_nobody_found_by_name_costs_no_read_of_spaces(signed_in, twitter):
    unknown = missing("dodo", "resource-not-found") | {"parameter": "usernames"}
    twitter.get("/users/by", json={"errors": [unknown]})

    page = signed_in.get("/spaces/lookup?creators=dodo").text

    assert "There is no such account." in page
    assert len(calls(twitter)) == 1


def test_creators_without_spaces_are_said_to_have_none(signed_in, twitter):
    twitter.get("/spaces/by/creator_ids", json={"meta": {"result_count": 0}})

    page = signed_in.get("/spaces/lookup?creators=1002").text

    assert "None of them is in a Space or has planned one." in page


@pytest.mark.parametrize(
    "field, typed, query",
    [
        ("ids", "https://x.com/i/spaces/1Aa 1Bb", "ids=1Aa,1Bb"),
        ("creators", "1002\r\n1003", "creators=1002,1003"),
        ("creators", "robin\r\nx.com/Jay, 1001", "creators=@robin,@Jay,1001"),
    ],
)
def test_the_forms_for_spaces_lead_to_an_address(signed_in, field, typed, query):
    answer = press(signed_in, "/spaces/lookup", **{field: typed})

    assert (answer.status_code, answer.location) == (303, f"/spaces/lookup?{query}")


# The forms


@pytest.mark.parametrize("path", ["/tweets/lookup", "/spaces/lookup"])
def test_an_empty_form_asks_for_nothing(signed_in, twitter, path):
    before = len(twitter.calls)

    answer = signed_in.get(path)

    assert answer.status_code == 200
    assert "aria-invalid" not in answer.text
    assert len(twitter.calls) == before


@pytest.mark.parametrize("path", ["/tweets/lookup", "/spaces/lookup"])
def test_a_form_has_its_token_its_label_and_one_heading_above(signed_in, path):
    page = main_of(signed_in.get(path).text)

    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        assert 'name="csrf_token"' in form
        assert re.search(r'<label for="(\w+)">.*<textarea id="\1"', form, re.DOTALL)
    assert page.count("<h1") == 1
    assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("path, field", FIELDS)
@pytest.mark.parametrize(
    "typed", ["no!", "-5", "1" * 20, "https://example.com/wren/status/1", "x.com/home", "", " , "]
)
def test_bad_input_is_named_beside_its_field_and_kept(signed_in, twitter, path, field, typed):
    before = len(twitter.calls)

    answer = signed_in.get(path, query_string={field: typed})

    page = answer.text
    assert answer.status_code == 400
    box = re.search(rf'<textarea id="{field}"[^>]*aria-invalid="true">\n([^<]*)</textarea>', page)
    assert unescape(box[1]) == typed
    assert f'aria-describedby="{field}-wrong {field}-hint"' in page
    said = re.search(
        rf'<p class="wrong" id="{field}-wrong" role="alert">(.*?)</p>', page, re.DOTALL
    )
    assert f"<bdi>{typed}</bdi>" in unescape(said[1]) or not typed.strip(" ,")
    assert page.count("aria-invalid") == 1
    assert len(twitter.calls) == before


@pytest.mark.parametrize("path, field", FIELDS)
def test_a_hundred_and_one_are_too_many(signed_in, twitter, path, field):
    typed = " ".join(map(str, range(101)))
    before = len(twitter.calls)

    answer = signed_in.get(path, query_string={field: typed})

    assert answer.status_code == 400
    assert re.search(r"That is 101 \w+. Twitter shows 100 of them at once.", answer.text)
    assert len(twitter.calls) == before


def test_only_the_first_culprits_are_named(signed_in):
    page = signed_in.get("/tweets/lookup?ids=a+b+c+d+e").text

    said = " ".join(re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)[1].split())
    assert said == (
        "Not the id or the link of a Tweet: <bdi>a</bdi>, <bdi>b</bdi>, <bdi>c</bdi>, and 2 more"
    )


def test_bad_input_by_post_is_kept_too(signed_in, twitter):
    answer = press(signed_in, "/tweets/lookup", ids="\nhello <there>")

    assert answer.status_code == 400
    assert ">\n\nhello &lt;there&gt;</textarea>" in answer.text.replace("\r", "")


def test_hostile_input_is_only_text(signed_in):
    typed = '</textarea><script>alert(1)</script>"onfocus="alert(1)'

    page = signed_in.get("/tweets/lookup", query_string={"ids": typed}).text

    assert "<script>" not in page
    assert '"onfocus' not in page
    assert page.count("</textarea>") == 1


def test_tweets_offer_to_look_up(signed_in, twitter):
    twitter.get(re.compile(".*/users/1001.*"), json={"meta": {"result_count": 0}})

    page = signed_in.get("/tweets").text

    assert re.search(r'<form[^>]+method="post" action="/tweets/lookup">', main_of(page))


def test_spaces_offer_to_look_up_in_two_ways(signed_in, twitter):
    twitter.get(re.compile(".*/users/1001.*"), json={"meta": {"result_count": 0}})

    page = signed_in.get("/spaces").text

    forms = re.findall(r'<form[^>]+method="post" action="/spaces/lookup">', main_of(page))
    assert len(forms) == 2
    assert {'id="ids"', 'id="creators"'} <= set(re.findall(r'id="\w+"', page))
