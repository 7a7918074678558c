"""docs/security.md leaves nothing out, claims nothing without a test, and names what exists."""

import re
from datetime import timedelta
from pathlib import Path

from app.accounts import endings, revocation_events, used_states
from app.accounts.sessions import ENDED_KEPT
from app.gateway import usage
from app.storage import cache
from tests.factories import build_config
from tests.tables import TABLES

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "security.md"
TEXT = DOCUMENT.read_text()

# OWASP ASVS 5.0.0, levels 1 and 2: chapter and section, and the last requirement of each section
# that is not of level 3. 3.1 and 3.6 have none; 10.3, 10.4, 10.6 and 10.7 are not for clients.
LAST = {
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "10.1": 2, "10.2": 2, "10.5": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
STATES = ("met", "**in part**", "**not met**", "**yours to do**", "does not apply", "Twitter's")

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if re.match(r"\| (\d+\.\d+\.\d+|§)", line)
]


def test_no_requirement_is_left_out():
    expected = [f"{section}.{n}" for section, last in LAST.items() for n in range(1, last + 1)]

    assert [row[0] for row in ROWS if row[0][0] != "§"] == expected


def test_every_row_has_a_state_and_a_reason_or_a_test():
    assert [row for row in ROWS if not (row[1] and row[2].startswith(STATES))] == []
    met = [row for row in ROWS if row[2].startswith("met")]
    assert [row for row in met if "`test_" not in row[4] or row[3] == "-"] == []
    others = [row for row in ROWS if not row[2].startswith("met")]
    assert [row for row in others if len(row[2]) <= len("**not met**: ")] == []


def test_every_file_and_test_that_is_named_exists():
    text = "\n".join(" ".join(row) for row in ROWS)
    links = re.findall(r"\[([^]]+)\]\(([^)#]+)\)", text)
    named = re.findall(r"\]\(([^)]+\.py)\) `([\w.]+)`", text)
    sources = {path: (DOCUMENT.parent / path).resolve().read_text() for path, _ in named}

    assert [path for _, path in links if not (DOCUMENT.parent / path).resolve().exists()] == []
    assert [shown for shown, _ in links if shown != "below" and not (ROOT / shown).exists()] == []
    assert [
        (path, name)
        for path, name in named
        if not re.search(rf"^ *(def|class) {name}\b", sources[path], re.MULTILINE)
    ] == []
    assert [row for row in ROWS if row[4].count("`test_") != row[4].count("](../tests/")] == []


def test_the_lifetimes_that_are_written_down_are_the_defaults(tmp_path):
    config = build_config(tmp_path)

    written = dict(re.findall(r"`(SESSION_IDLE_DAYS|SESSION_DAYS)` \((\d+)\)", TEXT))

    assert written == {
        "SESSION_IDLE_DAYS": str(config.session_idle_days),
        "SESSION_DAYS": str(config.session_days),
    }


def test_every_table_has_a_class_of_data():
    data = TEXT.partition("## Data")[2].partition("###")[0]

    assert set(re.findall(r"`(\w+)`", data)) >= {table.name for table in TABLES}


def test_the_times_that_rows_are_kept_are_the_codes(tmp_path):
    config = build_config(tmp_path)
    people = f"{config.people_days} days"
    month = days(ENDED_KEPT)
    rows = [
        ("`users`, with all below that is theirs", f"{people} after they left", "`PEOPLE_DAYS`"),
        (
            "`sessions` that live",
            f"{config.session_idle_days} days without use, {config.session_days} at most",
            "`SESSION_IDLE_DAYS`, `SESSION_DAYS`",
        ),
        ("`sessions`, `grants` that ended", f"{month} days after the end", "-"),
        ("`usage`", f"{days(usage.KEPT)} days", "-"),
        ("`actions`", f"{config.session_days} days", "`SESSION_DAYS`"),
        ("`revocations`", "until Twitter has revoked the token", "-"),
        ("`revocation_events`", f"{days(revocation_events.KEPT)} days", "-"),
        ("`revocations`, dead letters", f"{people} after Twitter's last refusal", "`PEOPLE_DAYS`"),
        ("`used_states`", f"{used_states.KEPT.seconds // 3600} hour", "-"),
        ("`endings`", f"{endings.KEPT_SECONDS / 60:.0f} minutes", "-"),
        ("cached answers", f"{cache.KEPT / timedelta(hours=1):.0f} hours", "-"),
    ]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)

    kept = TEXT.partition("<!-- kept -->\n")[2].partition("<!-- /kept -->")[0]
    assert kept == f"| rows | kept | set by |\n| --- | --- | --- |\n{table}\n"
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == {table.name for table in TABLES}


def days(time):
    assert time % timedelta(days=1) == timedelta(0)
    return time.days
