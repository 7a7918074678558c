"""Follow docs/make-it-yours.md to the letter, in the project in FOLDER: `-m tests.guide FOLDER`.

A step of the guide is a sentence and the block below it. "Write `path`:" has the whole file,
"Append to `path`:" its last lines, "Run:" commands of the shell, and "In `path`:" a diff without
line numbers, whose hunks `@@` separates. Other blocks are only read.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.tree import ROOT, copied

GUIDE = ROOT / "docs" / "make-it-yours.md"
_STEP = re.compile(
    r"(?:^|(?<= ))(?P<verb>Write|Append to|In|Run)(?:\s`(?P<path>[^`\n]+)`)?:\n\n"
    r"```\w+\n(?P<block>(?s:.*?))^```$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """One thing to do, and the chapter that asks for it."""

    chapter: str
    verb: str
    path: str
    block: str

    def follow(self, root):
        """Do it to the copy under `root`; raises ValueError for an edit that fits no place."""
        if self.verb == "Run":
            subprocess.run(["sh", "-euc", self.block], cwd=root, check=True, timeout=20)
            return
        file = root / self.path
        before = file.read_text() if file.exists() and self.verb != "Write" else ""
        after = edited(before, self.block) if self.verb == "In" else before + self.block
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(after)


def steps():
    """List the steps of the guide in their order."""
    chapters = re.split(r"^## (.+)$", GUIDE.read_text(), flags=re.MULTILINE)[1:]
    return [
        Step(title, found["verb"], found["path"] or "", found["block"])
        for title, text in zip(chapters[::2], chapters[1::2], strict=True)
        for found in _STEP.finditer(text)
    ]


def followed(those, root):
    """Copy the project to `root`, follow some steps there, and return it."""
    copied(root)
    for step in those:
        step.follow(root)
    return root


def run(root, *module, **environ):
    """Run a module of Python in a copy of the project; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=root,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"


def edited(text, diff):
    """Return `text` with each hunk applied: its old lines stand there exactly once."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
        new = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
        places = [found.start() for found in re.finditer(f"^{re.escape(old)}", text, re.MULTILINE)]
        if len(places) != 1:
            raise ValueError(f"these lines do not stand there exactly once:\n{old}")
        text = text[: places[0]] + new + text[places[0] + len(old) :]
    return text


if __name__ == "__main__":
    for each in steps():
        each.follow(Path(sys.argv[1]))
