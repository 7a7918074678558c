"""A browser without a screen: keeps cookies, walks redirects, presses buttons, forgets nothing."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
SECONDS_TO_ANSWER = 40


@dataclass
class Form:
    """A form of a page: where it goes, what is filled in, and its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class Forms(HTMLParser):
    """Finds the forms of a page."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.button = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "input" and self.found and "name" in given:
            if given.get("type") != "radio" or "checked" in given:
                self.found[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and self.found:
            self.button = (given.get("name", ""), given.get("value", ""))

    def handle_data(self, text):
        if self.button and text.strip():
            self.found[-1].buttons[text.strip()] = self.button
            self.button = None


class Visitor:
    """One person at one browser. `url` is the site they visit."""

    def __init__(self, url, adapter=None):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy of this machine is none of our business
        self.answers = []  # every answer we got, the newest last
        self.cookies_seen = {}  # every value that any cookie ever had -> its name
        if adapter is not None:
            self.go_through(adapter)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def go_through(self, adapter):
        """Reach the site, and nothing else, by this adapter from now on."""
        self.session.mount(self.url, adapter)

    def twin(self, adapter=None):
        """Return another window of this browser, with the cookies of this moment."""
        twin = Visitor(self.url, adapter)
        twin.session.cookies.update(self.session.cookies)
        return twin

    def send(self, method, url, **request):
        """Send one request. No redirect is followed."""
        answer = self.session.request(
            method,
            urljoin(f"{self.url}/", url),
            allow_redirects=False,
            timeout=SECONDS_TO_ANSWER,
            **request,
        )
        self.answers.append(answer)
        self.cookies_seen |= {cookie.value: cookie.name for cookie in self.session.cookies}
        return answer

    def open(self, url, **request):
        """Open an address and end where its redirects lead."""
        return self.follow(self.send("GET", url, **request))

    def follow(self, answer):
        for _ in range(MOST_REDIRECTS):
            if answer.status_code not in REDIRECTS:
                return answer
            answer = self.send("GET", urljoin(answer.url, answer.headers["Location"]))
        raise AssertionError(f"more than {MOST_REDIRECTS} redirects: {answer.url}")

    def press(self, page, label, **fields):
        """Press the button with this label. No redirect is followed."""
        form = next(form for form in Forms(page.text).found if label in form.buttons)
        name, value = form.buttons[label]
        data = form.fields | fields | ({name: value} if name else {})
        return self.send(form.method.upper(), urljoin(page.url, form.action), data=data)

    def start(self, page="/"):
        """Press Sign in with Twitter, and return the authorization URL."""
        answer = self.press(self.open(page), "Sign in with Twitter")
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def start_again(self):
        """Start another sign-in while signed in, as the Allow buttons do; return the same."""
        form = Forms(self.open("/account").text).found[0]
        return self.send("POST", "/auth/login", data=form.fields).headers["Location"]

    def consent(self, authorization_url, account="robin", label="Authorize app"):
        """Answer Twitter's page, and return the callback that it sends us to."""
        answer = self.press(self.open(authorization_url), label, account=account)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, callback):
        return self.send("GET", callback)

    def sign_in(self, account="robin", page="/"):
        """Sign in from the first page to the last redirect."""
        return self.follow(self.come_back(self.consent(self.start(page), account)))

    def log_out(self):
        return self.follow(self.press(self.open("/account"), "Log out"))

    def is_signed_in(self):
        return self.send("GET", "/account").status_code == 200


class Route(HTTPAdapter):
    """Leads requests for a site to one process of it, as a load balancer does.

    It keeps one connection, which stays with the gunicorn worker that accepted it.
    """

    def __init__(self, address):
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=True)
        self.address = address

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        parts = urlsplit(self.address)
        return self.poolmanager.connection_from_host(parts.hostname, parts.port, parts.scheme)

    def send(self, request, **options):
        request.headers["Host"] = urlsplit(request.url).netloc
        return super().send(request, **options)


def query_of(url):
    """Return the query of a URL, one value each."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
