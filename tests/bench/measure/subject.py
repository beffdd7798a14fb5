"""What the bench asks of a signer, ours or a peer's."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lib.util import run

PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Job:
    """What a signer is to do.

    A server gets `zone` by AXFR from source_port and tells sink_port; or it has `small`, [(zone, file)].  A tool has
    `file`.  delay, sessions: ours signs with a token whose signatures take so many seconds, in so many sessions;
    spied: the calls of its token are written down."""

    algorithm: str = "p256"
    zone: str = ""
    source_port: int = 0
    sink_port: int = 0
    file: Path = None
    verify: str = "off"
    small: list = field(default_factory=list)
    shared: bool = False
    delay: float = 0.0
    sessions: int = 0
    spied: bool = False


def program(name):
    return shutil.which(name, path=PATHS)


class Signer:
    """notes: what a reader of the table must know about its figures."""

    name = ""
    title = ""
    needs = ()
    notes = ""

    def __init__(self, folder, job):
        self.folder = Path(folder)
        self.job = job

    @classmethod
    def why_not(cls):
        """Why it cannot run on this machine; None: it can."""
        missing = [p for p in cls.needs if not program(p)]
        return f"not installed: {', '.join(missing)}" if missing else None

    @classmethod
    def version(cls):
        done = run(program(cls.needs[0]), "-V", check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]

    def prepare(self):
        """What is needed before the clock starts."""
        raise NotImplementedError

    def log(self):
        return ""


class Server(Signer):
    """A daemon.  prepare() may start it; begin() starts the work.

    settles: seconds for which the serial must have stood still before the zone counts as signed, for servers that
    publish while they sign.  signed_soa: whether the answer to a SOA query carries its signature."""

    settles = 0.0
    signed_soa = True
    port = 0

    def begin(self):
        raise NotImplementedError

    def is_running(self):
        raise NotImplementedError

    def processes(self):
        """name -> pid of what does the work."""
        raise NotImplementedError

    def stop(self):
        """Ended, to be started again."""
        raise NotImplementedError

    def restart(self):
        """Started again, with all it had on disk."""
        raise NotImplementedError

    def end(self):
        """Everything that was started is ended."""
        self.stop()


class Tool(Signer):
    """A program that signs a file and ends."""

    def command(self):
        """(words, environment, path of the file or folder that it writes)."""
        raise NotImplementedError
