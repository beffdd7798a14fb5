"""Knot DNS: knotd as a signing secondary, and kzonesign.  Its keys are in a token of its own."""

import subprocess

from lib import signer
from lib.util import Process, free_port

from .subject import Server, Tool, program

ALGORITHMS = {"p256": "ecdsap256sha256", "rsa2048": "rsasha256"}


def make_token(folder):
    return signer.Token(folder / "token", "peer")


def policy(folder, token, job):
    """The first half of a configuration."""
    pin = token.pin_file.read_text().strip()
    sizes = "    ksk-size: 2048\n    zsk-size: 2048\n" if job.algorithm == "rsa2048" else ""
    shared = "    single-type-signing: on\n    ksk-shared: on\n" if job.shared else ""
    return f"""database:
    storage: {folder}/db
    kasp-db-max-size: 2G
    journal-db-max-size: 8G
keystore:
  - id: hsm
    backend: pkcs11
    config: "pkcs11:token={token.label};pin-value={pin} {signer.MODULE}"
policy:
  - id: p
    keystore: hsm
    algorithm: {ALGORITHMS[job.algorithm]}
    nsec3: on
    nsec3-iterations: 0
    nsec3-salt-length: 0
    signing-threads: 2
    ksk-lifetime: 0
    zsk-lifetime: 0
{sizes}{shared}"""


class Knotd(Server):
    name = "knotd"
    title = "Knot, knotd"
    needs = ("knotd",)
    notes = "waits a second before a NOTIFY; answers for no zone before all are loaded"

    def __init__(self, folder, job):
        super().__init__(folder, job)
        self.server = Process("knotd", self.folder)
        self.port = free_port()
        self.conf = self.folder / "knot.conf"

    def prepare(self):
        self.token = make_token(self.folder)
        for name in ("run", "db"):
            (self.folder / name).mkdir()
        self.conf.write_text(
            f"""server:
    rundir: {self.folder}/run
    listen: 127.0.0.1@{self.port}
    background-workers: 2
    tcp-workers: 2
    udp-workers: 1
log:
  - target: stderr
    any: info
{policy(self.folder, self.token, self.job)}
{self._remotes()}acl:
  - id: any
    address: 127.0.0.1
    action: [transfer, notify]
template:
  - id: default
    storage: {self.folder}
    dnssec-signing: on
    dnssec-policy: p
    serial-policy: increment
    zonefile-sync: -1
    journal-content: all
    journal-max-usage: 4G
    acl: any
{self._zones()}"""
        )

    def _remotes(self):
        if not self.job.source_port:
            return ""
        return f"""remote:
  - id: source
    address: 127.0.0.1@{self.job.source_port}
  - id: sink
    address: 127.0.0.1@{self.job.sink_port}
"""

    def _zones(self):
        if self.job.small:
            words = "    zonefile-load: difference-no-serial\nzone:\n"
            return words + "".join(f"  - domain: {zone}\n    file: {path}\n" for zone, path in self.job.small)
        words = "    zonefile-load: none\n    master: source\n    notify: sink\nzone:\n"
        return words + f"  - domain: {self.job.zone}\n"

    def begin(self):
        self.server.spawn(program("knotd"), "-c", self.conf, env=self.token.environment)

    restart = begin

    def is_running(self):
        return self.server.is_alive()

    def processes(self):
        return {"knotd": self.server.pid}

    def log(self):
        return self.server.tail()

    def stop(self):
        self.server.stop(seconds=120)


class Kzonesign(Tool):
    name = "kzonesign"
    title = "Knot, kzonesign"
    needs = ("kzonesign", "keymgr")

    def prepare(self):
        self.token = make_token(self.folder)
        for name in ("db", "out"):
            (self.folder / name).mkdir()
        (self.folder / "knot.conf").write_text(
            f"""server:
    rundir: {self.folder}
{policy(self.folder, self.token, self.job)}
zone:
  - domain: {self.job.zone}
    file: {self.job.file}
    dnssec-policy: p
    dnssec-signing: on
"""
        )
        # Keys are made beforehand, as for the other tools.
        for flags in (("ksk=yes", "zsk=no"), ("ksk=no", "zsk=yes")):
            command = [program("keymgr"), "-c", self.folder / "knot.conf", self.job.zone, "generate", *flags]
            subprocess.run(command, env=self.token.environment, check=True, capture_output=True)

    def command(self):
        out = self.folder / "out"
        words = [program("kzonesign"), "-c", self.folder / "knot.conf", "-o", out, self.job.zone]
        return words, self.token.environment, out
