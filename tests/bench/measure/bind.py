"""BIND: named with inline-signing, and dnssec-signzone.

Debian's BIND 9.18 was built without OpenSSL's engines and cannot reach a token: both sign with keys in files here."""

import os
import subprocess

from lib.peers import new_tsig
from lib.util import Process, free_port, own_copy, run, wait_for

from .subject import Server, Tool, program

ALGORITHMS = {"p256": ("ecdsap256sha256", ""), "rsa2048": ("rsasha256", " 2048")}
FILE_KEYS = "keys in files: Debian's build cannot use a token"


class Named(Server):
    name = "named"
    title = "BIND, named"
    needs = ("named", "rndc")
    notes = f"{FILE_KEYS}; sig-signing-signatures and -nodes 1000; signed = its serial stood still for 3 s"
    settles = 3.0

    def __init__(self, folder, job):
        super().__init__(folder, job)
        self.server = Process("named", self.folder)
        self.port = free_port()
        self.control_port = free_port()
        self.control = new_tsig("control")

    def prepare(self):
        (self.folder / "keys").mkdir()
        (self.folder / "small").mkdir()
        algorithm, bits = ALGORITHMS[self.job.algorithm]
        control = f'key "control" {{ algorithm {self.control.algorithm}; secret "{self.control.secret}"; }};\n'
        (self.folder / "named.conf").write_text(
            control
            + f"""controls {{ inet 127.0.0.1 port {self.control_port} allow {{ 127.0.0.1; }} keys {{ "control"; }}; }};
options {{
    directory "{self.folder}";
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile "{self.folder}/session.key";
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    allow-transfer {{ any; }};
    allow-notify {{ 127.0.0.1; }};
    notify no;
    notify-delay 0;
    notify-rate 1000;
    startup-notify-rate 1000;
    serial-query-rate 1000;
    sig-signing-signatures 1000;
    sig-signing-nodes 1000;
    max-journal-size unlimited;
}};
dnssec-policy "bench" {{
    keys {{ ksk lifetime unlimited algorithm {algorithm}{bits}; zsk lifetime unlimited algorithm {algorithm}{bits}; }};
    nsec3param iterations 0 optout no salt-length 0;
}};
{self._zones()}"""
        )
        (self.folder / "rndc.conf").write_text(
            f'{control}options {{ default-key "control"; default-server 127.0.0.1; default-port {self.control_port}; }};\n'
        )

    def _zones(self):
        signing = f'dnssec-policy "bench"; inline-signing yes; key-directory "{self.folder}/keys";'
        if self.job.small:
            # Files of its own: it writes beside them.
            for zone, path in self.job.small:
                (self.folder / "small" / zone).write_text(path.read_text())
            return "".join(
                f'zone "{zone}" {{ type primary; file "{self.folder}/small/{zone}"; {signing} }};\n'
                for zone, _ in self.job.small
            )
        return f"""zone "{self.job.zone}" {{
    type secondary; file "{self.folder}/zone"; masterfile-format raw; {signing}
    primaries {{ 127.0.0.1 port {self.job.source_port}; }};
    notify explicit; also-notify {{ 127.0.0.1 port {self.job.sink_port}; }};
}};
"""

    def begin(self):
        # As many threads as there are cores, as by default.
        self.server.spawn(own_copy("named", self.folder), "-c", self.folder / "named.conf", "-g")

    restart = begin

    def is_running(self):
        return self.server.is_alive()

    def processes(self):
        return {"named": self.server.pid}

    def log(self):
        return self.server.tail()

    def stop(self):
        self.server.stop(seconds=120)


class DnssecSignzone(Tool):
    name = "dnssec-signzone"
    title = "BIND, dnssec-signzone"
    needs = ("dnssec-signzone", "dnssec-keygen")
    notes = f"{FILE_KEYS}; -n 2, -P (without its own verification)"

    def prepare(self):
        self.keys = self.folder / "keys"
        self.keys.mkdir()
        algorithm, bits = ALGORITHMS[self.job.algorithm]
        for flag in (["-f", "KSK"], []):
            command = [program("dnssec-keygen"), "-q", "-K", self.keys, "-a", algorithm, *flag]
            command += ["-b", bits.strip()] if bits else []
            subprocess.run([*command, self.job.zone], check=True, capture_output=True)

    def command(self):
        out = self.folder / "signed"
        words = [program("dnssec-signzone"), "-n", "2", "-P", "-S", "-K", self.keys, "-3", "-", "-H", "0"]
        words += ["-d", self.folder, "-O", "full", "-o", self.job.zone, "-f", out, self.job.file]
        return words, dict(os.environ), out
