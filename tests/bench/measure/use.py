"""CPU and memory of processes, from /proc."""

import os
import re
import threading
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def children(pid):
    """Every process below one, from the kernel's own lists."""
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for word in (task / "children").read_text().split():
                found += [int(word), *children(int(word))]
    except OSError:
        pass
    return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def cpu_seconds(pid):
    """User and system time, that of children waited for included; 0 for a process that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


def memory(pid):
    """{"anonymous", "private"} in KiB: what is the process's own and no page cache, and all that no other process maps."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return {"anonymous": 0, "private": 0}
    fields = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return {
        "anonymous": fields.get("Anonymous", 0) + fields.get("Pss_Shmem", 0),
        "private": fields.get("Private_Clean", 0) + fields.get("Private_Dirty", 0),
    }


def peak_rss(pid):
    """In KiB, page cache that is mapped included."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


class Watch:
    """Looks at the memory of some processes until it is stopped.  processes: gives name -> pid, asked now and then.

    Looking costs the kernel a walk over the pages of a process: the pause is at least 30 times as long as that took."""

    def __init__(self, processes):
        self.processes = processes
        self.peak = {"anonymous": 0, "private": 0}
        self.each = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        known, asked = {}, 0.0
        while True:
            if time.monotonic() - asked > 1:
                known, asked = self.processes(), time.monotonic()
            began = time.monotonic()
            self.look(known)
            if self.stopping.wait(max(0.1, 30 * (time.monotonic() - began))):
                return

    def look(self, known):
        seen = {name: memory(pid) for name, pid in known.items()}
        for kind in self.peak:
            self.peak[kind] = max(self.peak[kind], sum(m[kind] for m in seen.values()))
        for name, m in seen.items():
            self.each[name] = max(self.each.get(name, 0), m["anonymous"])

    def stop(self):
        """Peaks in MB: of the sum at one moment, and of each process."""
        self.stopping.set()
        self.thread.join()
        self.look(self.processes())
        return {
            "anonymous_mb": self.peak["anonymous"] / 1024,
            "private_mb": self.peak["private"] / 1024,
            "each_mb": {name: kib / 1024 for name, kib in self.each.items()},
        }
