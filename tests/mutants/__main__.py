"""Run each mutant's tests against it: `python -m tests.mutants [--write] [text in a name ...]`.

Every worker breaks a copy of its own, so the work tree stays as it is. Exits with 1 if a mutant is
stale or a test does not notice it, or if a named test fails on the unbroken code.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import Mutant, catalogue
from tests.tree import ROOT, copied

SECONDS_FOR_ONE = 120
SECONDS_IN_ALL = 20 * 60
DOCUMENT = ROOT / "docs" / "security.md"
BLOCK = re.compile(r"(<!-- mutants -->\n).*?(<!-- /mutants -->)", re.DOTALL)
PYTEST = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", ""]

NOTICED, UNNOTICED, STALE = "noticed", "UNNOTICED", "STALE"


def passes(root: Path, tests: tuple[str, ...]) -> bool:
    """Run tests in a copy. One that cannot be found, or that skips alone, does not pass."""
    command = [sys.executable, *PYTEST, *tests]
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environ,
            capture_output=True,
            timeout=SECONDS_FOR_ONE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode > 1:
        sys.exit(f"pytest could not run {' '.join(tests)}:\n{done.stdout.decode()[-2000:]}")
    return done.returncode == 0


def judge(mutant: Mutant, root: Path) -> str:
    """Say whether a test notices the mutant."""
    if mutant.occurrences(root) != 1:
        return STALE
    with mutant.applied(root):
        return UNNOTICED if passes(root, mutant.tests) else NOTICED


def table(verdicts: dict[Mutant, str], seconds: float) -> str:
    """Return what docs/security.md says of the last run."""
    rooms = Counter(mutant.room for mutant in verdicts)
    noticed = Counter(mutant.room for mutant, verdict in verdicts.items() if verdict == NOTICED)
    rows = [f"| {room} | {rooms[room]} | {noticed[room]} |" for room in rooms]
    total = f"| together | {len(verdicts)} | {noticed.total()} |"
    ran = f"Last run on {datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes."
    return "\n".join(
        ["| mutants of | listed | noticed |", "| --- | --- | --- |", *rows, total, "", ran, ""]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutants with one of these in room or name")
    parser.add_argument("--write", action="store_true", help="write the result to docs/security.md")
    asked = parser.parse_args()
    began = time.monotonic()
    chosen = [
        mutant
        for mutant in catalogue()
        if not asked.names or any(word in f"{mutant.room}: {mutant.name}" for word in asked.names)
    ]
    verdicts: dict[Mutant, str] = {}
    with tempfile.TemporaryDirectory(prefix="perch-mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        workers = os.cpu_count() or 1
        for number in range(workers):
            copies.put(copied(Path(folder) / str(number)))

        root = copies.get()
        if not passes(root, tuple({test: None for each in chosen for test in each.tests})):
            print("A named test fails, or takes too long, on the code as it is.")
            return 1
        copies.put(root)

        def work(mutant: Mutant) -> None:
            if time.monotonic() - began > SECONDS_IN_ALL:
                return
            root = copies.get()
            try:
                verdicts[mutant] = judge(mutant, root)
            finally:
                copies.put(root)
            print(f"{verdicts[mutant]:10} {mutant.room}: {mutant.name}", flush=True)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, chosen))

    verdicts = {mutant: verdicts.get(mutant, "not reached") for mutant in chosen}
    seconds = time.monotonic() - began
    left = [mutant for mutant, verdict in verdicts.items() if verdict != NOTICED]
    print(f"{len(chosen)} mutants in {seconds:.0f} s, {len(left)} not noticed.")
    for mutant in left:
        print(f"  {verdicts[mutant]}: {mutant.room}: {mutant.name}")
    if asked.write:
        text = DOCUMENT.read_text()
        DOCUMENT.write_text(BLOCK.sub(rf"\g<1>{table(verdicts, seconds)}\g<2>", text))
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
