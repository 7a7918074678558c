"""What strangers write into names, texts and addresses to do harm."""

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
# fmt: off
OUR_TAGS = {
    "html", "head", "meta", "title", "link", "body", "a", "aside", "p", "header", "nav", "ul",
    "li", "form", "input", "button", "main", "div", "section", "h1", "h2", "h3", "article",
    "img", "span", "bdi", "b", "svg", "path", "circle", "rect", "time", "footer", "label",
    "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td",
    "details", "summary", "textarea", "meter",
}
# fmt: on
