"""Intaglio: the whole daemon, as it is installed."""

from lib import signer
from lib.util import BUILD, free_port, run

from . import use
from .subject import Server

ALGORITHMS = {"p256": "ECDSAP256SHA256", "rsa2048": "RSASHA256"}


class Intaglio(Server):
    name = "intaglio"
    title = "Intaglio"
    signed_soa = False

    def __init__(self, folder, job):
        super().__init__(folder, job)
        self.daemon = signer.Daemon(self.folder / "i")
        self.port = self.daemon.port

    @classmethod
    def version(cls):
        return run(BUILD / "intagliod", "--version").stdout.strip()

    def prepare(self):
        daemon, job = self.daemon, self.job
        policy = daemon.policy("default", ALGORITHMS[job.algorithm], verify=job.verify, shared_keys=job.shared)
        daemon.config["policies"] = [policy]
        daemon.config["tokens"][0].update(job.settings)
        if job.source_port:
            daemon.add_server("source", job.source_port, None)
        daemon.add_server("sink", job.sink_port or free_port(), None)
        if job.small:
            rest = {"policy": "default", "destinations": ["sink"]}
            entries = [{"name": zone, "input_file": path, **rest} for zone, path in job.small]
            (self.folder / "zones.conf").write_text(f"zones = {signer.libconfig(entries)};\n")
        daemon.start()
        daemon.wait_token()

    def begin(self):
        if self.job.small:
            self.daemon.ctl("zone", "import", self.folder / "zones.conf", seconds=600)
        else:
            self.daemon.ctl("zone", "add", "-z", self.job.zone, "--source", "source", "--destination", "sink")

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
