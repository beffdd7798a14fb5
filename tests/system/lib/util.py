"""Small things every system test needs: ports, deadlines, processes with a log, scratch folders."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ.get("ITG_SOURCE", Path(__file__).resolve().parents[3]))
BUILD = Path(os.environ.get("ITG_BUILD", SOURCE / "build"))
DATA = Path(os.environ.get("ITG_DATA", SOURCE / "../shared/data")).resolve()
# Sanitizers and valgrind are slow: every deadline is multiplied.
PATIENCE = float(os.environ.get("ITG_PATIENCE", "1"))

_handed_out = set()


def free_port(address="127.0.0.1"):
    """A port that is free for UDP and TCP now, and that this program was not given before."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((address, 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind((address, port))
                except OSError:
                    continue
        if port not in _handed_out:
            _handed_out.add(port)
            return port


class Late(AssertionError):
    """Something did not happen in time."""


def wait_for(what, condition, seconds=20, step=0.05):
    """The first true value of condition(); Late, saying what, after so many seconds."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            last = f"; last seen: {value!r}" if value is not None and value is not False else ""
            raise Late(f"after {seconds * PATIENCE:.0f} s still waiting for {what}{last}")
        time.sleep(step)


def scratch_dir(name):
    """A folder of our own; short, since the path of a Unix socket may have 107 octets."""
    return Path(tempfile.mkdtemp(prefix=name + "-", dir=os.environ.get("TMPDIR", "/tmp")))


def run(*command, check=True, seconds=60, **more):
    """Run to the end; output as text.  With check, a failure shows the command and what it said."""
    words = [str(c) for c in command]
    done = subprocess.run(
        words, capture_output=True, text=True, errors="replace", timeout=seconds * PATIENCE, **more
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def own_copy(program, folder):
    """A copy of a system's server: AppArmor profiles of distributions go by path and would keep it out of our folders."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise FileNotFoundError(f"{program} is not installed (contrib/deps --tests)")
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    if not (enabled.exists() and enabled.read_text().startswith("Y")):
        return found
    copy = Path(folder) / program
    shutil.copy(found, copy)
    return str(copy)


_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    """In the child: when the test is killed its servers get a SIGTERM, whatever happened to its clean-up."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A server that a test started: only such are ever signalled."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.process = None

    def spawn(self, *command, env=None):
        out = self.log.open("ab")
        self.process = subprocess.Popen(
            [str(c) for c in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        out.close()

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_log(self, words, seconds=20, after=0):
        def seen():
            if words in self.log_text()[after:]:
                return True
            if not self.is_alive():
                raise AssertionError(f"{self.name} ended ({self.process.returncode}):\n{self.tail()}")
            return False

        wait_for(f"{self.name} to log '{words}'", seen, seconds)

    def tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def tell(self, signo):
        self.process.send_signal(signo)

    def stop(self, signo=signal.SIGTERM, seconds=15):
        if not self.is_alive():
            return
        self.tell(signo)
        try:
            self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            print(f"# {self.name} (pid {self.pid}) did not stop in {seconds} s: killed", file=sys.stderr)
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


class Stack:
    """Servers of a test, stopped in the opposite order."""

    def __init__(self):
        self.members = []

    def add(self, server):
        self.members.append(server)
        return server

    def stop(self):
        for server in reversed(self.members):
            server.stop()
        self.members.clear()


def spawn_quiet(*command):
    """A command in the background, its output thrown away."""
    words = [str(c) for c in command]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
