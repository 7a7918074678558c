"""How much memory a worker has, and how much it had at its worst (Linux only)."""

import contextlib
import re
from pathlib import Path

MB = 1024 * 1024


class Memory:
    """The memory that something took: the most, and the part that was kept."""

    most = kept = 0


class Worker:
    """The one worker of a site."""

    def __init__(self, site):
        self.site = site
        [self.pid] = workers(site)

    @contextlib.contextmanager
    def measured(self):
        """Yield the memory that this takes beyond what there was."""
        memory = Memory()
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # begins the worst anew
        before = self._status("VmRSS")
        yield memory
        memory.most = self._status("VmHWM") - before
        memory.kept = self._status("VmRSS") - before

    def is_still_the_one(self):
        return workers(self.site) == [self.pid]

    def _status(self, name):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def workers(site):
    """List the process ids of a site's workers."""
    master = site.process.pid
    return sorted(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))
