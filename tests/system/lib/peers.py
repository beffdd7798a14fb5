"""The other name servers: BIND as source, NSD and Knot as destinations, Unbound as a validating resolver."""

import base64
import os
import re
import signal
import socket
import time

from . import zones
from .util import Process, free_port, own_copy, run, wait_for


def new_tsig(name, algorithm="hmac-sha256"):
    return zones.Tsig(name, algorithm, base64.b64encode(os.urandom(32)).decode())


def serial_at(zone, port, tsig=None, address="127.0.0.1"):
    """The SOA serial that a server answers with authority, or None."""
    command = ["dig", f"@{address}", "-p", port, "+noall", "+comments", "+answer", "+norecurse", "+tries=1", "+time=1"]
    if tsig:
        command += ["-y", tsig.dig()]
    done = run(*command, "-q", zone, "-t", "SOA", check=False)
    match = re.search(r"\sSOA\s+\S+ \S+ (\d+) ", done.stdout)
    return int(match[1]) if match and re.search(r"flags:[^;]*\baa\b", done.stdout) else None


class NameServer(Process):
    """port, and tsig: the key that transfers and NOTIFYs must carry."""

    def __init__(self, name, folder, tsig):
        super().__init__(name, folder)
        self.port = free_port()
        self.tsig = tsig
        self.zones = {}

    def serial(self, zone):
        return serial_at(zone, self.port)

    def wait_serial(self, zone, condition=lambda s: s is not None, seconds=40):
        return wait_for(
            f"{self.name} to serve {zone[:60]}",
            lambda: (lambda s: (s,) if s is not None and condition(s) else None)(self.serial(zone)),
            seconds,
        )[0]

    def transfer(self, zone):
        return zones.transfer(zone, self.port, self.tsig)

    def plain_transfer(self, zone):
        """For the judges."""
        return judged_text(zone, self.port, self.tsig)


def judged_text(zone, port, tsig):
    from .judges import plain_text

    command = ["dig", "@127.0.0.1", "-p", port, "+tcp", "+noall", "+answer", "+onesoa", "+unknownformat", "-y", tsig.dig()]
    unknown = run(*command, "-q", zone, "-t", "AXFR", seconds=120).stdout
    return plain_text(zones.transfer(zone, port, tsig), unknown)


class Bind(NameServer):
    """A primary.  Zones can be added and changed while it runs."""

    def __init__(self, folder, tsig, notify_port=None):
        super().__init__("BIND", folder, tsig)
        self.notify_port = notify_port
        self.control_port = free_port()
        self.control = new_tsig("control")
        self.more_keys = []
        self.more_options = ""
        self.number = 0

    def add_zone(self, zone, text):
        """text: a master file.  Its owner names are taken relative to the zone."""
        self.number += 1
        path = self.folder / f"zone{self.number}"
        path.write_text(text)
        self.zones[zone] = path
        if self.is_alive():
            self.write_config()
            self.rndc("reconfig")

    def write_config(self):
        keys = [self.tsig, self.control, *self.more_keys]
        blocks = [f'key "{k.name}" {{ algorithm {k.algorithm}; secret "{k.secret}"; }};' for k in keys if k]
        allowed = " ".join(f'key "{k.name}";' for k in [self.tsig, *self.more_keys] if k) or "any;"
        notify = "no"
        if self.notify_port:
            key = f' key "{self.tsig.name}"' if self.tsig else ""
            notify = f"explicit; also-notify {{ 127.0.0.1 port {self.notify_port}{key}; }}"
        blocks.append(
            f"""options {{
    directory "{self.folder}";
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile "{self.folder}/session.key";
    recursion no;
    dnssec-validation no;
    check-names primary ignore;
    check-integrity no;
    check-mx ignore;
    check-sibling no;
    max-records-per-type 0;
    max-types-per-name 0;
    allow-transfer {{ {allowed} }};
    notify {notify};
    notify-delay 0;
    serial-query-rate 1000;
    notify-rate 1000;
    startup-notify-rate 1000;
    transfers-out 100;
    empty-zones-enable no;
    {self.more_options}
}};
controls {{ inet 127.0.0.1 port {self.control_port} allow {{ 127.0.0.1; }} keys {{ "control"; }}; }};"""
        )
        blocks += [self.zone_block(zone, path) for zone, path in self.zones.items()]
        (self.folder / "named.conf").write_text("\n".join(blocks) + "\n")
        (self.folder / "rndc.conf").write_text(
            f'key "control" {{ algorithm {self.control.algorithm}; secret "{self.control.secret}"; }};\n'
            f'options {{ default-key "control"; default-server 127.0.0.1; default-port {self.control_port}; }};\n'
        )

    def zone_block(self, zone, path):
        return f'zone "{zone}" {{ type primary; file "{path}"; check-names ignore; ixfr-from-differences yes; }};'

    def start(self):
        self.write_config()
        after = len(self.log_text())
        self.spawn(own_copy("named", self.folder), "-n", "1", "-c", self.folder / "named.conf", "-g")
        self.wait_log("\n", 20)
        wait_for("BIND to run", lambda: re.search(r"\brunning$", self.log_text()[after:], re.M), 30)
        return self

    def rndc(self, *words):
        return run("rndc", "-c", self.folder / "rndc.conf", *words)

    def update(self, zone, text):
        self.zones[zone].write_text(text)
        self.rndc("reload", zone)


class BindSecondary(Bind):
    """A secondary of ours."""

    def __init__(self, folder, tsig, primary_port):
        super().__init__(folder, tsig)
        self.primary_port = primary_port

    def add_zone(self, zone):
        self.zones[zone] = self.folder / f"zone{len(self.zones)}"

    def zone_block(self, zone, path):
        return f"""zone "{zone}" {{ type secondary; file "{path}"; check-names ignore; request-ixfr yes;
    primaries {{ 127.0.0.1 port {self.primary_port} key "{self.tsig.name}"; }}; min-retry-time 1; max-retry-time 3; }};"""


class Nsd(NameServer):
    """A secondary of ours."""

    def __init__(self, folder, tsig, primary_port=None):
        super().__init__("NSD", folder, tsig)
        self.primary_port = primary_port

    def add_zone(self, zone, how="AXFR"):
        """how it transfers: AXFR; UDP: IXFR over UDP first; or "": IXFR over TCP."""
        self.zones[zone] = how

    def start(self):
        key = self.tsig.name
        lines = [
            "server:",
            f"  ip-address: 127.0.0.1@{self.port}",
            '  username: ""',
            '  chroot: ""',
            f'  zonesdir: "{self.folder}"',
            '  pidfile: ""',
            '  database: ""',
            f'  xfrdfile: "{self.folder}/xfrd.state"',
            f'  xfrdir: "{self.folder}"',
            f'  zonelistfile: "{self.folder}/zone.list"',
            "  server-count: 1",
            "  verbosity: 2",
            "  xfrd-reload-timeout: 0",
            "remote-control:",
            "  control-enable: no",
            "key:",
            f'  name: "{key}"',
            f"  algorithm: {self.tsig.algorithm}",
            f'  secret: "{self.tsig.secret}"',
        ]
        for number, (zone, how) in enumerate(self.zones.items()):
            lines += [
                "zone:",
                f'  name: "{zone}"',
                f'  zonefile: "z{number}"',
                f"  allow-notify: 127.0.0.1 {key}",
                f"  request-xfr: {how} 127.0.0.1@{self.primary_port} {key}",
                f"  provide-xfr: 127.0.0.1 {key}",
                "  min-retry-time: 1",
                "  max-retry-time: 3",
            ]
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")
        self.spawn(own_copy("nsd", self.folder), "-d", "-c", self.folder / "nsd.conf")
        self.wait_log("nsd started", 20)
        return self

    def tell(self, signo):
        # A reload leaves the first process without its children: the whole group is told.
        os.killpg(self.pid, signo)


class Knot(NameServer):
    """A secondary of ours."""

    def __init__(self, folder, tsig, primary_port=None):
        super().__init__("Knot", folder, tsig)
        self.primary_port = primary_port

    def add_zone(self, zone):
        self.zones[zone] = None

    def start(self):
        key = self.tsig.name
        lines = [
            "server:",
            f"  rundir: {self.folder}",
            f"  listen: 127.0.0.1@{self.port}",
            "  background-workers: 2",
            "log:",
            "  - target: stderr",
            "    any: info",
            "database:",
            f"  storage: {self.folder}",
            "key:",
            f"  - id: {key}",
            f"    algorithm: {self.tsig.algorithm}",
            f"    secret: {self.tsig.secret}",
            "remote:",
            "  - id: signer",
            f"    address: 127.0.0.1@{self.primary_port}",
            f"    key: {key}",
            "acl:",
            "  - id: both",
            "    address: 127.0.0.1",
            f"    key: {key}",
            "    action: [notify, transfer]",
            "template:",
            "  - id: default",
            f"    storage: {self.folder}",
            "    zonefile-sync: -1",
            "    journal-content: none",
            "    master: signer",
            "    acl: both",
            "    semantic-checks: off",
            "    retry-min-interval: 1",
            "    retry-max-interval: 3",
            "zone:",
        ]
        lines += [f'  - domain: "{zone}"' for zone in self.zones]
        (self.folder / "knot.conf").write_text("\n".join(lines) + "\n")
        self.spawn(own_copy("knotd", self.folder), "-c", self.folder / "knot.conf")
        self.wait_log("server started", 30)
        return self


class Unbound(Process):
    """A resolver that trusts the given DS records and asks one server for the zones."""

    def __init__(self, folder):
        super().__init__("Unbound", folder)
        self.port = free_port()

    def start(self, anchors, server_port, now=None):
        """anchors: zone -> DS records as text.  now: what it is to take for the time."""
        date = f'val-override-date: "{time.strftime("%Y%m%d%H%M%S", time.gmtime(now))}"' if now else ""
        records = "".join(f"{line}\n" for lines in anchors.values() for line in lines)
        (self.folder / "anchors").write_text(records)
        stubs = "".join(
            f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{server_port}\n  stub-prime: no\n' for zone in anchors
        )
        (self.folder / "unbound.conf").write_text(
            f"""server:
  interface: 127.0.0.1@{self.port}
  outgoing-interface: 127.0.0.1
  do-ip6: no
  do-not-query-localhost: no
  directory: "{self.folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "{self.folder}/anchors"
  target-fetch-policy: "0 0 0 0 0"
  qname-minimisation: no
  val-log-level: 2
  {date}
  cache-max-ttl: 1
  cache-max-negative-ttl: 1
remote-control:
  control-enable: no
{stubs}"""
        )
        self.spawn(own_copy("unbound", self.folder), "-d", "-c", self.folder / "unbound.conf")
        self.wait_log("start of service", 20)
        return self

    def stop(self, signo=signal.SIGTERM, seconds=15):
        super().stop(signo, seconds)

    def ask(self, name, rtype):
        """(status, validated?, answer) as a stub resolver gets it."""
        done = run("dig", "@127.0.0.1", "-p", self.port, "+dnssec", "+tries=2", "+time=5", "-q", name, "-t", rtype, check=False)
        status = re.search(r"status: (\w+)", done.stdout)
        flags = re.search(r"flags: ([\w ]*);", done.stdout)
        return status and status[1], bool(flags) and "ad" in flags[1].split(), done.stdout


def udp_socket(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    return sock


def tcp_socket(port):
    return socket.create_connection(("127.0.0.1", port), 5)
