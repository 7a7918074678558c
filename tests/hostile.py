"""What strangers write into names, texts and addresses to do harm, and how a page is judged.

A page for hostile text has the structure of the same page for harmless text: the same elements
with the same attributes, one after the other. So no list of what we use has to be kept.
"""

from html.parser import HTMLParser

PAYLOADS = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</p></article></main><h1>Log in again</h1>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "`onclick=alert(1)`",
    "<!-- --><style>*{display:none}</style>",
    "<form action=https://evil.example><button>Sign in with Twitter</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "{{ config }}{% raw %}{{ 7 * 7 }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    "\u202eevil\u2066\u2067\u2068\u202d\u200f",
    "Z" + "\u0321\u0334\u0338\u031b" * 40,
    "W" * 300,
    "half a character \ud83d and \x00 nothing",
    "line\r\nSet-Cookie: a=b",
]
ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/x",
    'https://evil.example/" onclick="alert(1)',
    "https://evil.example/<script>",
    "https://x.com\\@evil.example/",
    "https://evil.example/\u202egnp.exe",
    " javascript:alert(1)",
    "blob:https://x.com/1",
    "file:///etc/passwd",
]
_TO_HARMLESS = str.maketrans(dict.fromkeys("<>&\"'`{}", "~"))


def harmless(text):
    """Return `text` without what could be markup, in the same length and with the same words."""
    return text.translate(_TO_HARMLESS)


class Seen(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def values(self, *names):
        return [attrs[name] for _, attrs in self.elements for name in names if name in attrs]

    def structure(self):
        """Return each element with the names of its attributes, and where it sends a form."""
        return [(tag, *attrs, attrs.get("action")) for tag, attrs in self.elements]
