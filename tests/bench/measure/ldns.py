"""ldns-signzone, with the token through OpenSSL's engine."""

import os
import re
import subprocess
from pathlib import Path

from lib import signer

from .subject import Tool, program

ALGORITHMS = {"p256": (13, "EC:prime256v1"), "rsa2048": (8, "rsa:2048")}
ENGINES = "/usr/lib"


def engine():
    """libp11's engine for OpenSSL 3, or None."""
    return next(iter(sorted(Path(ENGINES).glob("*/engines-3/pkcs11.so"))), None)


class LdnsSignzone(Tool):
    name = "ldns-signzone"
    title = "ldns-signzone"
    needs = ("ldns-signzone", "pkcs11-tool")
    notes = "has no option for threads"

    @classmethod
    def why_not(cls):
        return super().why_not() or (None if engine() else "not installed: libengine-pkcs11-openssl")

    @classmethod
    def version(cls):
        done = subprocess.run([program("ldns-signzone"), "-v"], capture_output=True, text=True, check=False)
        found = re.search(r"version ([\d.]+)", done.stdout + done.stderr)
        return f"ldns {found[1]}" if found else ""

    def prepare(self):
        self.token = signer.Token(self.folder / "token", "peer")
        pin = self.token.pin_file.read_text().strip()
        (self.folder / "openssl.cnf").write_text(
            f"""openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = {engine()}
MODULE_PATH = {signer.MODULE}
PIN = {pin}
init = 0
"""
        )
        kind = ALGORITHMS[self.job.algorithm][1]
        for number, label in enumerate(("ksk", "zsk"), 1):
            command = [program("pkcs11-tool"), "--module", signer.MODULE, "--token-label", "peer", "--login", "--pin", pin]
            command += ["--keypairgen", "--key-type", kind, "--label", label, "--id", f"0{number}"]
            subprocess.run(command, env=self.token.environment, check=True, capture_output=True)

    def command(self):
        out = self.folder / "signed"
        number = ALGORITHMS[self.job.algorithm][0]
        keys = [f"{number},pkcs11:token=peer;object={label}" for label in ("ksk", "zsk")]
        words = [program("ldns-signzone"), "-E", "pkcs11", "-n", "-o", self.job.zone, "-f", out]
        words += ["-K", keys[0], "-k", keys[1], self.job.file]
        return words, dict(self.token.environment, OPENSSL_CONF=str(self.folder / "openssl.cnf")), out
