"""A daemon with a virtual clock between a source, a destination and a parent, and judges who are told the time."""

import calendar
import os
import tempfile
import time
import unittest
from pathlib import Path

from . import parent, peers, signer, util, zones

DAY = 86400


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def ldns_at(text, now):
    """Words of ldns-verify-zone, told what time it is; "" when it passes the zone."""
    handle, path = tempfile.mkstemp(suffix=".zone", dir=os.environ.get("TMPDIR"))
    os.close(handle)
    file = Path(path)
    try:
        file.write_text(text)
        done = util.run("ldns-verify-zone", "-t", time.strftime("%Y%m%d%H%M%S", time.gmtime(now)), file, check=False)
    finally:
        file.unlink()
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]


class Life(unittest.TestCase):
    """Subclasses say which policy."""

    zone = "life.example."
    parent_name = "example."
    policy = {}
    settings = {}  # more of the configuration
    zone_settings = {}
    folder_name = "life"

    @classmethod
    def setUpClass(cls):
        cls.stack = util.Stack()
        cls.addClassCleanup(cls.stack.stop)
        cls.folder = folder = util.scratch_dir(cls.folder_name)
        cls.daemon = d = signer.Daemon(folder / "d")
        d.options = ["--virtual-clock"]
        cls.bind = cls.stack.add(peers.Bind(folder / "bind", d.source_key, d.port))
        # Its SOA is asked for once a week: less to leap over.
        cls.bind.add_zone(cls.zone, zones.small(cls.zone, 100).replace("3600 900 1209600", "604800 900 2419200"))
        cls.bind.start()
        cls.parent = parent.parent_at(folder / "parent", cls.parent_name)
        cls.parent.add_child(cls.zone)
        cls.parent.start()
        for server in cls.parent.servers:
            cls.stack.add(server)
        cls.nsd = cls.stack.add(peers.Nsd(folder / "nsd", d.dest_key, d.port))
        cls.nsd.add_zone(cls.zone)
        cls.nsd.start()
        d.add_server("src", cls.bind.port, d.source_key)
        d.add_server("nsd", cls.nsd.port, d.dest_key)
        d.add_server("par", cls.parent.servers[0].port, None)
        d.config["policies"] = [d.policy("default", **{"parent": {"servers": ["par"], "submit": "cds"}, **cls.policy})]
        d.config.update(cls.settings)
        d.add_zone(cls.zone, sources=["src"], destinations=["nsd"], **cls.zone_settings)
        cls.stack.add(d).start()
        d.wait_signed(cls.zone)
        d.wait_peer(cls.zone, "destinations", "nsd", "DESTINATION_OK")
        cls.unbound_number = 0

    def now(self):
        return seconds(self.daemon.json("status")["now"])

    def leap(self, *words, limit=120):
        return self.daemon.ctl("time", "leap", *words, seconds=limit).stdout

    def keys(self):
        return {k["key_tag"]: k for k in self.daemon.keys(self.zone)}

    def tags(self, role, *states):
        return sorted(t for t, k in self.keys().items() if k["role"] == role and k["state"] in states)

    def published(self):
        """Tags of the DNSKEY set that the destination serves."""
        done = util.run("dig", "@127.0.0.1", "-p", self.nsd.port, "+norecurse", "+tcp", "+multiline", self.zone, "DNSKEY")
        return sorted(int(line.split()[-1]) for line in done.stdout.splitlines() if "key id = " in line)

    def judge(self):
        """What the destination serves is whole and valid now, also for a resolver that starts at the parent's DS."""
        text = self.nsd.plain_transfer(self.zone)
        self.assertEqual(ldns_at(text, self.now()), "")
        if not self.parent.children[self.zone]:
            return text
        type(self).unbound_number += 1
        resolver = peers.Unbound(self.folder / f"unbound{self.unbound_number}")
        resolver.start(self.parent.anchors(self.zone), self.nsd.port, self.now())
        try:
            for name, rtype in ((self.zone, "SOA"), (self.zone, "DNSKEY"), (f"www.{self.zone}", "A"), (f"nobody.mail.{self.zone}", "A")):
                status, validated, words = resolver.ask(name, rtype)
                self.assertTrue(validated, f"{name} {rtype}: {status}\n{words}\n{resolver.tail()}")
        finally:
            resolver.stop()
        return text

    def step(self, by="P1D"):
        """Leaps, lets the registry follow the CDS set, and judges what is served if something changed; the keys before and after."""
        before = self.keys()
        self.leap("--by", by)
        moved = self.parent.follow(self.zone, self.nsd.transfer(self.zone))
        after = self.keys()
        if moved or {t: k["state"] for t, k in before.items()} != {t: k["state"] for t, k in after.items()}:
            self.judge()
        return before, after
