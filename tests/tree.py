"""The project's own files: every walk sees what git sees, in a clone and in a bare copy alike."""

from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parent.parent


def files(folder, pattern="*", *, root=ROOT):
    """List the files under `folder` that `.gitignore` of `root` leaves in, at any depth."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text().splitlines())
    return sorted(
        path
        for path in folder.rglob(pattern)
        if path.is_file() and not ignored.match_file(path.relative_to(root))
    )
