"""A cell is one scenario with one signer, once.  It runs in a process of its own, so that it can be stopped, and what it
measured until then is kept."""

import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field

from . import scenarios

GRACE = 60  # seconds for a cell that was stopped to end its servers


@dataclass
class Cell:
    """kind: the class of the signer.  patience: seconds that one step may take; limit: those of the whole cell."""

    row_set: str
    scenario: object
    kind: type
    size: str = ""
    number: int = 1
    algorithm: str = "p256"
    verify: str = "off"
    count: int = 0
    shared: bool = False
    steps: set = field(default_factory=set)
    delay: float = 0.0
    sessions: int = 0
    changes: int = 5
    patience: float = 120
    limit: float = 600

    @property
    def key(self):
        return "/".join(part for part in (self.row_set, self.size, self.kind.name, str(self.number)) if part)


def run_here(cell, folder, load, sticks, write):
    """In the child."""

    def report(step, figures):
        write(json.dumps({step: figures}).encode() + b"\n")

    def stopped(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit("stopped")

    signal.signal(signal.SIGTERM, stopped)
    try:
        cell.scenario(scenarios.Run(cell, folder, load, sticks, report))
    except SystemExit:
        report("failed", {"why": f"stopped after {cell.limit:.0f} s"})
    except Exception as fault:  # whatever it was, the other cells go on
        report("failed", {"why": f"{type(fault).__name__}: {' '.join(str(fault).split())[:400]}"})
        traceback.print_exc()


def collect(reader, pid, cell, progress):
    """What the child reports until it ends; it is told to end when its time is up."""
    deadline = time.monotonic() + cell.limit
    figures, rest, told = {}, b"", False
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            os.kill(pid, signal.SIGKILL if told else signal.SIGTERM)
            told, deadline = True, time.monotonic() + GRACE
            continue
        if not select.select([reader], [], [], left)[0]:
            continue
        octets = os.read(reader, 1 << 16)
        if not octets:
            return figures
        *lines, rest = (rest + octets).split(b"\n")
        for line in lines:
            step = json.loads(line)
            figures.update(step)
            progress(step)


def run_cell(cell, folder, load, sticks, progress):
    """{step: figures} of a cell, as far as it came."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        # What is typed at the terminal is for the parent, which then ends this one in good order.
        os.setsid()
        try:
            run_here(cell, folder, load, sticks, lambda octets: os.write(writer, octets))
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.close(writer)
    try:
        figures = collect(reader, pid, cell, progress)
    except BaseException:
        os.kill(pid, signal.SIGTERM)
        raise
    finally:
        os.close(reader)
        _, status = os.waitpid(pid, 0)
    if status:
        figures.setdefault("failed", {"why": f"killed after {cell.limit:.0f} s"})
    figures["finished"] = "failed" not in figures
    return figures
