"""Intaglio: the whole daemon, as it is installed."""

import os
import re
from collections import Counter
from pathlib import Path

from lib import signer
from lib.util import BUILD, free_port, run

from . import use
from .subject import Server

ALGORITHMS = {"p256": "ECDSAP256SHA256", "rsa2048": "RSASHA256"}


DELAY_MODULE = BUILD / "tests/token/delaymod.so"


def sessions_of(count):
    """Settings of a token: as many workers as cores, the sessions shared out among them."""
    workers = min(os.cpu_count() or 1, count)
    return {"workers": workers, "sessions": count // workers}


class DelayToken:
    """In place of SoftHSM2's: every C_Sign takes its time, and as many at once as there are sessions do not disturb
    each other.  See tests/token/delaymod.c."""

    module = DELAY_MODULE
    label = "intaglio"

    def __init__(self, folder, seconds):
        folder = Path(folder)
        folder.mkdir(parents=True)
        self.pin_file = folder / "pin"
        self.pin_file.write_text("2468\n")
        self.pin_file.chmod(0o600)
        more = {"DELAYMOD_FILE": str(folder / "objects"), "DELAYMOD_DELAY": str(round(seconds * 1e6))}
        self.environment = dict(os.environ, **more)


SPY_MODULE = Path("/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so")


class SpiedToken(signer.Token):
    """SoftHSM2's behind OpenSC's module that writes down every call."""

    @property
    def environment(self):
        more = {"PKCS11SPY": signer.MODULE, "PKCS11SPY_OUTPUT": str(self.folder / "calls")}
        return dict(super().environment, **more)

    def calls(self):
        """Name of a call -> how often, so far."""
        found = re.findall(r"^\d+: (C_\w+)$", (self.folder / "calls").read_text(errors="replace"), re.M)
        return Counter(found)


class Intaglio(Server):
    name = "intaglio"
    title = "Intaglio"
    signed_soa = False

    def __init__(self, folder, job):
        super().__init__(folder, job)
        token = DelayToken(self.folder / "token", job.delay) if job.delay else None
        token = SpiedToken(self.folder / "token") if job.spied else token
        self.daemon = signer.Daemon(self.folder / "i", token)
        self.port = self.daemon.port

    @classmethod
    def version(cls):
        return run(BUILD / "intagliod", "--version").stdout.strip()

    def prepare(self):
        daemon, job = self.daemon, self.job
        policy = daemon.policy("default", ALGORITHMS[job.algorithm], verify=job.verify, shared_keys=job.shared)
        daemon.config["policies"] = [policy]
        if job.delay:
            daemon.config["tokens"][0].update(module=DELAY_MODULE, **sessions_of(job.sessions))
        if job.spied:
            daemon.config["tokens"][0]["module"] = SPY_MODULE
        if job.source_port:
            daemon.add_server("source", job.source_port, None)
        daemon.add_server("sink", job.sink_port or free_port(), None)
        daemon.start()
        daemon.wait_token()

    def begin(self):
        if self.job.small:
            self.import_zones(self.job.small)
        else:
            self.daemon.ctl("zone", "add", "-z", self.job.zone, "--source", "source", "--destination", "sink")

    def import_zones(self, zones):
        rest = {"policy": "default", "destinations": ["sink"]}
        entries = [{"name": zone, "input_file": path, **rest} for zone, path in zones]
        (self.folder / "zones.conf").write_text(f"zones = {signer.libconfig(entries)};\n")
        self.daemon.ctl("zone", "import", self.folder / "zones.conf", seconds=600)

    def is_running(self):
        return self.daemon.is_alive()

    def processes(self):
        found, count = {}, {}
        for pid in [self.daemon.pid, *use.children(self.daemon.pid)]:
            role = self.daemon.role_of(pid, use.command_line(pid))
            count[role] = count.get(role, 0) + 1
            found[f"{role} {count[role]}" if role == "worker" else role] = pid
        return found

    def log(self):
        return self.daemon.tail()

    def stop(self):
        self.daemon.stop(seconds=60)

    def restart(self):
        self.daemon.start(wait=False)
