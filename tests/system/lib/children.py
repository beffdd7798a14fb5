"""A registry: its zone at BIND servers that take updates, and children that are signed by hand, in any way a test wants."""

import re
import time

from . import peers, zones
from .util import run, wait_for

DAY = 86400


def stamp(t):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(t))


class Key:
    """A key pair that dnssec-signzone can use."""

    def __init__(self, folder, zone, algorithm="ECDSAP256SHA256", sep=True):
        self.folder = folder
        words = ["-f", "KSK"] if sep else []
        self.name = run("dnssec-keygen", "-q", "-K", folder, "-a", algorithm, *words, zone).stdout.strip()
        self.tag = int(self.name.rsplit("+", 1)[1])
        self.record = next(line for line in (folder / f"{self.name}.key").read_text().splitlines() if "DNSKEY" in line)

    def ds(self, digest=2):
        """RDATA of its DS."""
        line = run("dnssec-dsfromkey", "-a", {1: "SHA-1", 2: "SHA-256", 4: "SHA-384"}[digest], self.folder / f"{self.name}.key").stdout
        return re.sub(r"(\S+ \S+ \S+) (.*)", lambda m: f"{m[1]} {m[2].replace(' ', '')}", line.strip().split(" DS ")[1])

    def cds(self):
        return f"@ CDS {self.ds()}\n"

    def cdnskey(self):
        return f"@ CDNSKEY {self.record.split(' DNSKEY ')[1]}\n"


class Child:
    """A zone at two servers, each of which has what the test gives it."""

    TTL = 300
    address = "192.0.2.1"
    names = ("ns1", "ns2")

    def __init__(self, zone, folder, servers):
        self.zone = zone
        self.folder = folder / zone.rstrip(".")
        self.folder.mkdir()
        self.servers = servers
        self.serial = 0

    def key(self, **how):
        return Key(self.folder, self.zone, **how)

    def sign(self, now, keys, signers=None, extra="", begin=-3600, end=60 * DAY, more=()):
        """The zone as text: DNSKEY of keys, all of it signed by signers (or keys).  more: options of dnssec-signzone."""
        self.serial += 1
        text = f"$TTL {self.TTL}\n@ SOA ns1 hostmaster {self.serial} 3600 900 1209600 {self.TTL}\n"
        text += "".join(f"@ NS {name}\n" for name in self.names)
        text += f"ns1 A {self.address}\nns2 A {self.address}\nwww A 192.0.2.80\n{extra}"
        for key in keys:
            text += re.sub(r"^\S+ IN DNSKEY", "@ DNSKEY", key.record) + "\n"
        plain, out = self.folder / "plain", self.folder / "signed"
        plain.write_text(text)
        signers = keys if signers is None else signers
        if not signers:
            return text
        run(
            "dnssec-signzone", "-q", "-P", "-z", "-d", self.folder, "-K", self.folder, "-o", self.zone, "-f", out, "-O", "full", *more,
            "-s", stamp(now + begin), "-e", stamp(now + end), plain, *[key.name for key in signers],
        )  # fmt: skip
        return out.read_text()

    def publish(self, text, servers=None):
        """To all servers, or these."""
        for server in self.servers if servers is None else servers:
            if self.zone in server.zones and not server.is_alive():
                server.zones[self.zone].write_text(text)
            elif self.zone in server.zones:
                server.update(self.zone, text)
                wait_for("the child's server to have it", lambda s=server: s.serial(self.zone) == int(re.search(r"SOA\s+\S+\s+\S+\s+\(?\s*(\d+)", text)[1]))
            else:
                server.add_zone(self.zone, text)


class Registry:
    """The zone of a parent, at one server that takes updates with a key."""

    TTL = 300

    def __init__(self, folder, name="example."):
        self.name = name
        self.key = peers.new_tsig("registry-key.example.")
        self.server = peers.Bind(folder, self.key)
        self.server.more_options = f'allow-update {{ key "{self.key.name}"; }};'
        self.ds = {}

    def start(self, children):
        """children: zone -> list of RDATA of DS"""
        lines = [f"$TTL {self.TTL}\n@ SOA ns.{self.name} hostmaster.{self.name} 1 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"]
        for child, ds in children.items():
            lines += [f"{child} NS ns1.{child}\n{child} NS ns2.{child}\nns1.{child} A 192.0.2.1\nns2.{child} A 192.0.2.2\n"]
            lines += [f"{child} DS {rdata}\n" for rdata in ds]
        self.server.add_zone(self.name, "".join(lines))
        self.server.start()
        return self

    def set_ds(self, child, ds):
        """By another hand than ours."""
        lines = [f"server 127.0.0.1 {self.server.port}", f"zone {self.name}", f"update delete {child} DS"]
        lines += [f"update add {child} {self.TTL} DS {rdata}" for rdata in ds]
        run("nsupdate", "-y", self.key.dig(), input="\n".join([*lines, "send", ""]))

    def records(self, child):
        """RDATA of the DS set, sorted."""
        done = run("dig", "@127.0.0.1", "-p", self.server.port, "+norecurse", "+short", "-q", child, "-t", "DS")
        return sorted(re.sub(r"(\S+ \S+ \S+) (.*)", lambda m: f"{m[1]} {m[2].replace(' ', '')}", r) for r in done.stdout.splitlines())

    def tags(self, child):
        return sorted(int(r.split()[0]) for r in self.records(child))

    def anchors(self, child):
        """For peers.Unbound."""
        return {child: [f"{child} {self.TTL} IN DS {rdata}" for rdata in self.records(child)]}


def judge(folder, registry, child, server, now):
    """Does a validator that starts at the parent's DS of now accept what the server has?"""
    resolver = peers.Unbound(folder)
    resolver.start(registry.anchors(child), server.port, now)
    try:
        for name, rtype in ((child, "SOA"), (child, "DNSKEY"), (f"www.{child}", "A"), (f"nobody.{child}", "A")):
            status, validated, words = resolver.ask(name, rtype)
            if not validated:
                return f"{name} {rtype}: {status}\n{words}\n{resolver.tail()}"
        return ""
    finally:
        resolver.stop()
