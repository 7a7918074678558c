"""The project's own files: every walk sees what git sees, in a clone and in a bare copy alike."""

import shutil
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parent.parent


def files(folder, pattern="*", *, root=ROOT):
    """List the files under `folder` that `.gitignore` of `root` leaves in, at any depth."""
    ignored = GitIgnoreSpec.from_lines(["/.git", *(ROOT / ".gitignore").read_text().splitlines()])
    return sorted(
        path
        for path in folder.rglob(pattern)
        if path.is_file() and not ignored.match_file(path.relative_to(root))
    )


def copied(folder):
    """Copy the project to `folder`, and return it."""
    for file in files(ROOT):
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    return folder
