"""The settings: everything that is wrong is named at once, with its cure and without its secret."""

import base64
import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.sansio.utils import get_host

from config import Config, ConfigError
from tests.factories import build_environ, token_key

LONG = "a-secret-of-more-than-thirty-two-characters"
METRICS = "a-token-for-figures"


def problems(environ, root):
    with pytest.raises(ConfigError) as caught:
        Config.from_env(environ, root=root)
    return caught.value.problems


def read(root, **settings):
    return Config.from_env(build_environ(**settings), root=root)


def refused(root, name, texts):
    """Return the texts that the setting `name` must not have."""
    return [
        text
        for text in texts
        if problems(build_environ(**{name: text}), root)[0].startswith(f"{name}:")
    ]


def production(**settings):
    return build_environ(PUBLIC_URL="https://perch.example") | settings


def test_no_settings_at_all_mean_the_sandbox_on_loopback(tmp_path):
    config = Config.from_env({}, root=tmp_path)

    assert config.sandbox
    assert config.public_url == "http://127.0.0.1:8000"
    assert config.callback_url == "http://127.0.0.1:8000/auth/callback"
    assert config.twitter_authorize_url == "http://127.0.0.1:9000/i/oauth2/authorize"
    assert config.twitter_api_url == "http://127.0.0.1:9000/2"
    assert config.twitter_bearer_token == "sandbox-client-bearer"
    assert config.twitter_consumer_secret == "sandbox-client-consumer-secret"
    assert config.database_url == f"sqlite:///{tmp_path}/instance/perch.db"


def test_the_beta_sandbox_gets_the_public_client(tmp_path):
    config = Config.from_env({"TWITTER_DIALECT": "beta"}, root=tmp_path)

    assert (config.twitter_client_id, config.twitter_client_secret) == ("sandbox-public", None)
    assert (config.twitter_bearer_token, config.twitter_consumer_secret) == (None, None)


def test_generated_keys_are_kept_and_private(tmp_path):
    first, second = (Config.from_env({}, root=tmp_path) for _ in range(2))

    assert first == second
    for name in ("secret_key", "token_keys"):
        assert (tmp_path / "instance" / name).stat().st_mode & 0o077 == 0


def test_workers_that_start_together_agree_on_one_generated_key(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        configs = list(pool.map(lambda _: Config.from_env({}, root=tmp_path), range(16)))

    assert len({config.secret_key for config in configs}) == 1
    kept = {path.name for path in (tmp_path / "instance").iterdir()}
    assert kept == {"secret_key", "token_keys"}


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    environ = {
        "PUBLIC_URL": "https://perch.example/path",
        "SECRET_KEY": "short",
        "TOKEN_KEYS": "also-short",
        "TWITTER_DIALECT": "gamma",
        "TRUSTED_PROXIES": "-1",
        "CACHE_SECONDS": "soon",
        "RATELIMIT_ENABLED": "maybe",
        "DATABASE_URL": "mysql://localhost/perch",
        "REDIS_URL": "localhost",
        "APP_NAME": "x" * 41,
        "PROVIDER_NAME": "twitter",
        "TWITTER_API_URL": "http://api.example/2",
        "TWITTER_AUTHORIZE_URL": "ftp://x.com",
        "TWITTER_PROXY": "socks5://proxy:1080",
        "PRIVACY_URL": "javascript:alert(1)",
        "TERMS_URL": "/terms",
        "CONTACT_EMAIL": "wren",
        "GUNICORN_THREADS": "2",
        "TWITTER_CLIENT_SECRET": LONG,
        "METRICS_TOKEN": "short",
        "PORT": "0",
        "SANDBOX_PORT": "http",
    }

    named = {problem.partition(":")[0] for problem in problems(environ, tmp_path)}

    assert named == set(environ) - {"TWITTER_CLIENT_SECRET"} | {"TWITTER_CLIENT_ID"}


def test_one_problem_is_said_as_one(tmp_path):
    with pytest.raises(ConfigError, match="1 setting needs attention") as caught:
        Config.from_env(build_environ(TWITTER_DIALECT="gamma"), root=tmp_path)

    assert "TWITTER_DIALECT: must be live or beta." in str(caught.value)


def test_problems_never_quote_a_secret(tmp_path):
    environ = production(
        SECRET_KEY="hunter2", TOKEN_KEYS="hunter3", TWITTER_CLIENT_SECRET="hünter4"
    )

    text = " ".join(problems(environ, tmp_path))

    assert "hunter" not in text
    assert "hünter" not in text


def test_no_secret_shows_in_the_repr(tmp_path):
    webhook = {"TWITTER_BEARER_TOKEN": "app-only", "TWITTER_CONSUMER_SECRET": "a-key-for-hmac"}
    environ = production(
        DATABASE_URL="postgresql://perch:hunter2@db/perch", METRICS_TOKEN=METRICS, **webhook
    )

    text = repr(Config.from_env(environ, root=tmp_path))

    for secret in (LONG, "a-secret-nest", "hunter2", METRICS, token_key()[:8], *webhook.values()):
        assert secret not in text


def test_a_proxy_that_cannot_be_the_way_out_is_refused_without_quoting_it(tmp_path):
    texts = [
        "https://wren:hunter2@proxy.example:3128",
        "socks5://wren:hunter2@proxy.example:1080",
        "proxy.example:3128",
        "http://wren:hunter2@proxy.example",
        "http://wren:hunter2@proxy.example:0",
        "http://wren:hunter2@proxy.example:port",
        "http://wren:hunter2@:3128",
        "http://wren:hunter2@proxy.example:3128/path",
        "http://wren:hunter2@proxy.example:3128?x=1",
        "http://wren:hunter2@proxy.example:3128#top",
        "http://wren:hunter2/x@proxy.example:3128",
        "http://wren:hunter2@[::1:3128",
        "http://wren:hunter2@proxy .example:3128",
        "http://wren:hunter2@proxy\r\nX: 1:3128",
        "http://wren:hunter2%0d%0aX:%201@proxy.example:3128",
        "http://wren%00:hunter2@proxy.example:3128",
        "http://wren:hunter2%ff@proxy.example:3128",
        "http://wren:hunter2%@proxy.example:3128",
        "http://wren%3Ax:hunter2@proxy.example:3128",
        "http://wrén:hunter2@proxy.example:3128",
    ]

    said = [problems(build_environ(TWITTER_PROXY=text), tmp_path) for text in texts]

    assert [text for text, found in zip(texts, said, strict=True) if len(found) != 1] == []
    assert {found[0].partition(":")[0] for found in said} == {"TWITTER_PROXY"}
    assert "hunter2" not in repr(said)


def test_a_proxy_leads_to_https_only(tmp_path):
    proxy = "http://proxy.example:3128"
    loopback = "http://127.0.0.1:9000/2"

    for environ in (
        {"TWITTER_PROXY": proxy},  # the sandbox
        build_environ(TWITTER_PROXY=proxy, TWITTER_API_URL=loopback),
        build_environ(TWITTER_PROXY=proxy, TWITTER_AUTHORIZE_URL=loopback),
    ):
        [problem] = problems(environ, tmp_path)
        assert problem.startswith("TWITTER_PROXY: is for https only")

    assert read(tmp_path, TWITTER_PROXY=f"{proxy}/").twitter_proxy == f"{proxy}/"


def test_the_secrets_of_a_proxy_are_known_in_every_form(tmp_path):
    config = read(tmp_path, TWITTER_PROXY="http://wren:hunter%2F2@[::1]:3128")
    basic = base64.b64encode(b"wren:hunter/2").decode()

    assert config.proxy_secrets == {"hunter%2F2", "hunter/2", basic}
    assert not any(secret in repr(config) for secret in config.proxy_secrets)
    assert read(tmp_path, TWITTER_PROXY="http://wren@proxy:1").proxy_secrets == frozenset()


def test_settings_cannot_be_changed_afterwards(tmp_path):
    config = Config.from_env({}, root=tmp_path)

    with pytest.raises(dataclasses.FrozenInstanceError):
        config.public_url = "http://evil.example"


@pytest.mark.parametrize(
    "settings, name",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"TOKEN_KEYS": ""}, "TOKEN_KEYS"),
        ({"SECRET_KEY": LONG[:31]}, "SECRET_KEY"),
        ({"SECRET_KEY": f"{LONG},short"}, "SECRET_KEY"),
        ({"SECRET_KEY": f"{LONG},"}, "SECRET_KEY"),
        ({"TWITTER_CLIENT_ID": ""}, "TWITTER_CLIENT_ID"),
        ({"TWITTER_CLIENT_ID": "sandbox-client"}, "TWITTER_CLIENT_ID"),
        ({"TWITTER_CLIENT_ID": "sandbox-public"}, "TWITTER_CLIENT_ID"),
        ({"TWITTER_API_URL": "http://api.example/2"}, "TWITTER_API_URL"),
        ({"TWITTER_AUTHORIZE_URL": "http://x.example/authorize"}, "TWITTER_AUTHORIZE_URL"),
        ({"SECRET_KEY": f"{LONG},{'0123456789' * 4}"}, "SECRET_KEY"),
        ({"TOKEN_KEYS": "A" * 43}, "TOKEN_KEYS"),
        ({"METRICS_TOKEN": "m" * 20}, "METRICS_TOKEN"),
    ],
)
def test_an_https_site_refuses_what_is_fine_on_a_laptop(tmp_path, settings, name):
    assert any(
        problem.startswith(f"{name}:") for problem in problems(production(**settings), tmp_path)
    )


def test_an_older_token_key_that_can_be_guessed_still_opens(tmp_path):
    config = Config.from_env(production(TOKEN_KEYS=f"{token_key()},{'A' * 43}"), root=tmp_path)

    assert config.token_keys[1] == bytes(32)
    assert config.guessable() == ["TOKEN_KEYS"]


def test_an_https_site_generates_nothing(tmp_path):
    problems(production(SECRET_KEY="", TOKEN_KEYS=""), tmp_path)

    assert not (tmp_path / "instance").exists()


def test_plain_http_twitter_is_fine_on_loopback_even_for_https(tmp_path):
    environ = production(TWITTER_API_URL="http://127.0.0.1:9000/2/")

    assert Config.from_env(environ, root=tmp_path).twitter_api_url == "http://127.0.0.1:9000/2"


def test_the_public_url_is_one_origin(tmp_path):
    origins = {
        "https://Perch.Example/": "https://perch.example",
        "https://perch.example:443": "https://perch.example",
        "https://perch.example:8443": "https://perch.example:8443",
        "http://localhost:5000": "http://localhost:5000",
        "http://[::1]:5000": "http://[::1]:5000",
        "http://127.0.0.1:80": "http://127.0.0.1",
        "http://[0:0:0:0:0:0:0:1]:5000": "http://[::1]:5000",
        "https://xn--prch-bpa.example": "https://xn--prch-bpa.example",
    }

    assert {text: read(tmp_path, PUBLIC_URL=text).public_url for text in origins} == origins


def test_a_public_url_that_is_no_origin_is_refused(tmp_path):
    texts = [
        "perch.example",
        "https://",
        "https://perch.example/path",
        "https://perch.example?x=1",
        "https://perch.example#top",
        "https://user@perch.example",
        "https://perch.example:port",
        "https://per ch.example",
        "https://perch.example\\@evil.example",
        "https://[::1",
        "https://pérch.example",
        "https://my_app.example",
        "https://perch.example.",
        "https://-perch.example",
        "https://perch..example",
        "https://per%63h.example",
        "https://127.1",
        "https://0x7f.0x1",
        "https://[::ffff:127.0.0.1]",
        "https://[fe80::1%25eth0]",
        "https://perch.example:0",
        "http://perch.example",
        "http://127.0.0.1.evil.example",
        "//perch.example",
    ]

    assert refused(tmp_path, "PUBLIC_URL", texts) == texts


def test_the_rate_limit_switch_reads_words(tmp_path):
    switches = {"0": False, "false": False, "Off": False, "no": False, "1": True, "on": True}

    read_as = {word: read(tmp_path, RATELIMIT_ENABLED=word).ratelimit_enabled for word in switches}

    assert read_as == switches


def test_postgresql_urls_reach_the_driver_we_ship(tmp_path):
    urls = [f"{scheme}://perch@db/perch" for scheme in ("postgres", "postgresql")]
    ours = "postgresql+psycopg://perch@db/perch"

    assert {read(tmp_path, DATABASE_URL=url).database_url for url in [*urls, ours]} == {ours}


def test_a_database_that_cannot_serve_is_refused(tmp_path):
    urls = ["sqlite://", "sqlite:///:memory:", "perch.db", "mysql://x/y"]
    urls.append("postgresql://u:p@host:port/db")

    assert refused(tmp_path, "DATABASE_URL", urls) == urls


def test_token_keys_are_read_with_and_without_padding(tmp_path):
    key = base64.urlsafe_b64encode(b"\xfb" * 32).decode()

    rings = [read(tmp_path, TOKEN_KEYS=text).token_keys for text in (key, key.rstrip("="))]

    assert rings == [(b"\xfb" * 32,)] * 2


def test_key_rings_keep_their_order(tmp_path):
    keys = [token_key("n"), token_key("o")]

    ring = Config.from_env({"TOKEN_KEYS": ", ".join(keys)}, root=tmp_path).token_keys

    assert [base64.urlsafe_b64encode(key).decode() for key in ring] == keys


def test_a_dot_env_file_is_read_and_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("APP_NAME=Nest\nCACHE_SECONDS=7\nTWITTER_CLIENT_ID=\n")
    monkeypatch.setattr(os, "environ", {"APP_NAME": "Hedge"})

    config = Config.from_env(root=tmp_path)

    assert (config.app_name, config.cache_seconds, config.sandbox) == ("Hedge", 7, True)


def test_the_public_url_is_what_requests_are_compared_with(tmp_path):
    """Browsers write a host in one way; written in another, every page redirects to itself."""
    for text in (
        "https://Perch.example:8443",
        "http://[0:0:0:0:0:0:0:1]:80",
        "https://a-b.c1.example",
    ):
        scheme, netloc = read(tmp_path, PUBLIC_URL=text).public_url.split("://")

        assert get_host(scheme, netloc) == netloc


def test_an_https_address_that_is_refused_hides_nothing_else(tmp_path):
    environ = {"PUBLIC_URL": "https://my_app.example", "TWITTER_CLIENT_ID": "sandbox-client"}

    named = {problem.partition(":")[0] for problem in problems(environ, tmp_path)}

    assert named == {"PUBLIC_URL", "SECRET_KEY", "TOKEN_KEYS", "TWITTER_CLIENT_ID"}
    assert not (tmp_path / "instance").exists()


def test_other_ports_lead_to_the_site_and_the_sandbox_there(tmp_path):
    config = Config.from_env({"PORT": "8123", "SANDBOX_PORT": "9123"}, root=tmp_path)

    assert config.public_url == "http://127.0.0.1:8123"
    assert config.twitter_authorize_url == "http://127.0.0.1:9123/i/oauth2/authorize"
    assert config.twitter_api_url == "http://127.0.0.1:9123/2"
    assert read(tmp_path, SANDBOX_PORT="9123").twitter_api_url is None


EVERY_TEXT = [
    *("PUBLIC_URL", "TWITTER_CLIENT_ID", "TWITTER_CLIENT_SECRET", "TWITTER_AUTHORIZE_URL"),
    *("TWITTER_API_URL", "SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL", "METRICS_TOKEN"),
    *("APP_NAME", "TRUSTED_PROXIES", "RATELIMIT_ENABLED", "TWITTER_PROXY"),
    *("PRIVACY_URL", "TERMS_URL", "CONTACT_EMAIL"),
    *("TWITTER_BEARER_TOKEN", "TWITTER_CONSUMER_SECRET"),
]


@pytest.mark.parametrize("form", ["{}\u200b", "\ufeff{}", "“{}”", "<{}>", "{}\udce9"])
def test_no_setting_takes_what_was_pasted_along_with_it(tmp_path, form):
    fine = build_environ(
        PUBLIC_URL="http://127.0.0.1:8000",
        TWITTER_AUTHORIZE_URL="https://x.com/i/oauth2/authorize",
        TWITTER_API_URL="https://api.x.com/2",
        DATABASE_URL="sqlite:////srv/perch.db",
        REDIS_URL="redis://cache:6379/0",
        METRICS_TOKEN=METRICS,
        TRUSTED_PROXIES="1",
        TWITTER_PROXY="http://proxy.example:3128",
        PRIVACY_URL="https://nest.example/privacy",
        TERMS_URL="https://nest.example/terms",
        CONTACT_EMAIL="wren@nest.example",
        TWITTER_BEARER_TOKEN="an-app-only-token",
        TWITTER_CONSUMER_SECRET="a-key-for-hmac",
    )

    for name in EVERY_TEXT:
        environ = fine | {name: form.format(fine[name])}

        [problem] = problems(environ, tmp_path)

        assert problem.startswith(f"{name}: ")
        assert "://" in fine[name] or fine[name] not in problem


def test_everything_that_cannot_be_sent_is_named_without_being_shown(tmp_path):
    environ = production(
        TWITTER_CLIENT_ID="bird house",
        TWITTER_CLIENT_SECRET="a-nest\u200b",
        METRICS_TOKEN="vögel" * 9,
    )

    client_id, secret, token = problems(environ, tmp_path)

    assert client_id.startswith("TWITTER_CLIENT_ID: must be visible ASCII characters")
    assert secret.startswith("TWITTER_CLIENT_SECRET: holds U+200B at its end")
    assert token.startswith("METRICS_TOKEN: may hold letters, digits and")
    assert not [word for word in ("bird", "nest", "vögel") if word in client_id + secret + token]


def test_what_cannot_stand_in_basic_or_bearer_is_refused(tmp_path):
    ids = ["bird house", "bird:house", "bírd", "bird\thouse"]
    assert refused(tmp_path, "TWITTER_CLIENT_ID", ids) == ids
    tokens = ["m" * 15, "a token of many words", "token,with,commas", "töken-of-enough-letters"]
    assert refused(tmp_path, "METRICS_TOKEN", tokens) == tokens


def test_the_sites_name_can_stand_in_a_header(tmp_path):
    names = {
        "Nest & Sons": "Nest & Sons",
        "Гнездо": "%D0%93%D0%BD%D0%B5%D0%B7%D0%B4%D0%BE",
        "50%": "50%",
    }

    assert {name: read(tmp_path, APP_NAME=name).user_agent for name in names} == names


@pytest.mark.parametrize(
    "given, missing",
    [
        ("TWITTER_BEARER_TOKEN", "TWITTER_CONSUMER_SECRET"),
        ("TWITTER_CONSUMER_SECRET", "TWITTER_BEARER_TOKEN"),
    ],
)
def test_the_webhook_needs_both_of_its_secrets(tmp_path, given, missing):
    [problem] = problems(build_environ(**{given: "hunter2-and-more"}), tmp_path)

    assert problem.startswith(f"{missing}: is not set although {given} is.")
    assert "hunter2" not in problem
    assert read(tmp_path).twitter_bearer_token is None
    # X percent-encodes what it puts into this token.
    both = read(tmp_path, **{given: "AAAA%2Fbb%3D", missing: "hunter2-and-more"})
    assert {both.twitter_bearer_token, both.twitter_consumer_secret} == {
        "AAAA%2Fbb%3D",
        "hunter2-and-more",
    }


def test_a_client_without_a_secret_is_public(tmp_path):
    config = Config.from_env({"TWITTER_CLIENT_ID": "birdhouse"}, root=tmp_path)

    assert config.twitter_client_secret is None
    assert config.twitter_authorize_url is None
    assert not config.sandbox


@pytest.mark.parametrize("threads, slots, for_one", [("32", 30, 16), ("4", 2, 1), ("3", 1, 1)])
def test_two_threads_are_kept_free_of_twitter_and_half_of_one_person(
    tmp_path, threads, slots, for_one
):
    config = Config.from_env({"GUNICORN_THREADS": threads}, root=tmp_path)

    assert (config.twitter_slots, config.max_calls_per_person) == (slots, for_one)


def test_a_redis_is_taken_as_it_is(tmp_path):
    config = Config.from_env({"REDIS_URL": "redis://127.0.0.1:6379/0"}, root=tmp_path)

    assert config.redis_url == "redis://127.0.0.1:6379/0"


def test_a_malformed_token_key_is_refused(tmp_path):
    keys = ["tökén" * 9, "%" * 43, "A" * 42, "A" * 44 + "=="]

    assert refused(tmp_path, "TOKEN_KEYS", keys) == keys


def test_the_second_of_two_first_workers_takes_the_key_of_the_first(tmp_path, monkeypatch):
    link = os.link

    def lose_the_race(source, path):
        path.write_text("k" * 43 if path.name == "token_keys" else LONG)
        link(source, path)

    monkeypatch.setattr(os, "link", lose_the_race)

    config = Config.from_env({}, root=tmp_path)

    assert config.secret_key == (LONG,)


def test_a_malformed_redis_url_is_refused_without_quoting_it(tmp_path):
    for url in ["redis://:hunter2/x@host:6379/0", "redis://host:port", "memory://"]:
        [problem] = problems({"REDIS_URL": url}, tmp_path)

        assert problem.startswith("REDIS_URL:")
        assert "hunter2" not in problem


def test_every_part_of_a_store_address_counts_or_is_refused(tmp_path):
    postgresql, redis = "postgresql://perch:hunter2@db/perch", "redis://:hunter2@cache"
    wrong = {
        f"{postgresql}?sslmod=require": "DATABASE_URL: PostgreSQL knows no parameter sslmod.",
        f"{postgresql}?prepare_threshold=5": "PostgreSQL knows no parameter prepare_threshold.",
        f"{postgresql}?password=hunter3": "DATABASE_URL: says its password twice.",
        f"{postgresql}?sslmode=require&sslmode=disable": "says its sslmode twice.",
        f"{postgresql}?options=-c%20statement_timeout%3D9": "leave out statement_timeout",
        f"{postgresql}?client_encoding=latin1": "leave out client_encoding",
        "sqlite:////srv/perch.db?timeout=60": "DATABASE_URL: a SQLite file takes no parameters",
        f"{redis}/birds": "REDIS_URL: must end in the number of a database",
        f"{redis}/1/2": "must end in the number of a database",
        f"{redis}/1?db=2": "REDIS_URL: says its db twice.",
        f"{redis}?db=birds": "REDIS_URL: db: must be the number",
        f"{redis}?decode_responses=1": "REDIS_URL: takes no parameter decode_responses.",
        f"{redis}?ssl_cert_reqs=none": "REDIS_URL: takes ssl_cert_reqs with rediss:// only.",
        f"{redis}/0#1": "REDIS_URL: must not hold a #",
    }

    for url, complaint in wrong.items():
        name = "REDIS_URL" if url.startswith("redis") else "DATABASE_URL"
        [problem] = problems({name: url}, tmp_path)
        assert complaint in problem, url
        assert "hunter" not in problem


def test_what_a_store_understands_is_kept_as_it_is(tmp_path):
    given = "?host=a&host=b&port=1&port=2&target_session_attrs=read-write&options=-csearch_path%3Dx"
    redis = "rediss://cache:6380?db=2&ssl_ca_certs=/etc/ssl/birds.pem&password=hunter2"

    config = read(tmp_path, DATABASE_URL=f"postgresql://perch@/perch{given}", REDIS_URL=redis)

    assert config.database_url == f"postgresql+psycopg://perch@/perch{given}"
    assert config.redis_url == redis


def test_the_folder_of_keys_is_private_whatever_made_it(tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir()
    folder.chmod(0o755)

    read(tmp_path)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_numbers_of_days_and_threads_have_bounds(tmp_path):
    assert refused(tmp_path, "WEB_CONCURRENCY", bad := ["0", "1001", "two"]) == bad
    for name in ("SESSION_IDLE_DAYS", "SESSION_DAYS", "PEOPLE_DAYS"):
        assert refused(tmp_path, name, bad := ["0", "3651", "-1", "1.5", "١", "9" * 5000]) == bad
    config = read(tmp_path, SESSION_IDLE_DAYS="1", SESSION_DAYS="3650", GUNICORN_THREADS="3")

    assert (config.session_idle_days, config.session_days, config.threads) == (1, 3650, 3)
