"""The other side of a delegation: a parent zone at BIND servers, and a registry that does what CDS say."""

import re

from . import peers, zones
from .util import wait_for


class Parent:
    """The zone `name` at one server or several; each child's DS set is what the test makes it."""

    def __init__(self, name, servers, ttl=3600):
        """servers: peers.Bind, not started yet."""
        self.name = name
        self.ttl = ttl
        self.serial = 1
        self.children = {}
        self.servers = servers

    def add_child(self, child):
        self.children[child] = []

    def start(self):
        for server in self.servers:
            server.add_zone(self.name, self.text())
            server.start()
        return self

    def text(self):
        lines = [f"$TTL {self.ttl}\n@ SOA ns.{self.name} hostmaster.{self.name} {self.serial} 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n"]
        for child, ds in self.children.items():
            lines.append(f"{child} NS ns.{child}\nns.{child} A 192.0.2.2\n")
            lines += [f"{child} DS {rdata}\n" for rdata in ds]
        return "".join(lines)

    def set_ds(self, child, ds):
        """ds: RDATA as text."""
        if sorted(ds) == sorted(self.children[child]):
            return False
        self.children[child] = list(ds)
        self.serial += 1
        for server in self.servers:
            server.update(self.name, self.text())
            wait_for("the parent's server to have it", lambda s=server: s.serial(self.name) == self.serial)
        return True

    def tags(self, child):
        return sorted(int(rdata.split()[0]) for rdata in self.children[child])

    def anchors(self, child):
        """For peers.Unbound: who has validated the DS set trusts these."""
        return {child: [f"{child} {self.ttl} IN DS {rdata}" for rdata in self.children[child]]}

    def follow(self, child, text):
        """Does what the CDS set of a signed zone says (RFC 7344, RFC 8078); True: the DS set changed."""
        cds = cds_of(child, text)
        if not cds:
            return False
        return self.set_ds(child, [] if cds == ["0 0 0 00"] else cds)


def cds_of(zone, text):
    found = [rdata for owner, _, rtype, rdata in zones.records(text) if rtype == "CDS" and owner == zone.lower()]
    return sorted(re.sub(r"(\S+ \S+ \S+) (.*)", lambda m: f"{m[1]} {m[2].replace(' ', '')}", rdata) for rdata in found)


def parent_at(folder, name, ttl=3600):
    """A parent with one server that asks for no key."""
    return Parent(name, [peers.Bind(folder, None)], ttl)
