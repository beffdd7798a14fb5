"""A daemon that watches children of a registry, under the virtual clock."""

import calendar
import shutil
import time
import unittest

from . import children, peers, signer, util

DAY = 86400
# As long as the file "wait" is there it waits.
SLOW = """#!/bin/sh
cd "$(dirname "$0")"
echo "$1 $2" >> calls
while [ -e wait ]; do sleep 0.1; done
exec ./nsupdate-ds "$@"
"""


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


class Watch(unittest.TestCase):
    """Subclasses say which domains there are in `domains` (name -> settings), and fill them in `sign_first`."""

    domains = {}
    virtual = True
    settings = {}
    submit = "update"

    @classmethod
    def setUpClass(cls):
        cls.stack = util.Stack()
        cls.addClassCleanup(cls.stack.stop)
        cls.folder = folder = util.scratch_dir("watch")
        cls.servers = [cls.stack.add(peers.Bind(folder / f"ns{n}", None)) for n in (1, 2)]
        cls.children = {f"{name}.example.": children.Child(f"{name}.example.", folder, cls.servers) for name in cls.domains}
        cls.begun = int(time.time())
        cls.keys = {}
        ds = cls.sign_first()
        for server in cls.servers:
            server.start()
        cls.registry = children.Registry(folder / "registry")
        cls.stack.add(cls.registry.server)
        cls.registry.start(ds)
        cls.make_hook()
        cls.daemon = d = signer.Daemon(folder / "d")
        d.options = ["--virtual-clock"] if cls.virtual else []
        d.config["tsig_keys"].append(d.tsig_entry(cls.registry.key))
        d.add_server("par", cls.registry.server.port, cls.registry.key)
        d.config["monitored"] = [cls.entry(name, settings) for name, settings in cls.domains.items()]
        cls.more_config()
        cls.stack.add(d).start()
        cls.unbound = 0

    @classmethod
    def make_hook(cls):
        """The example from contrib, for domains whose parent is told by a command."""
        cls.hook = cls.folder / "hook"
        cls.hook.mkdir()
        key = cls.registry.key
        shutil.copy(util.SOURCE / "contrib" / "hooks" / "nsupdate-ds", cls.hook)
        (cls.hook / "slow").write_text(SLOW)
        for name in ("slow", "nsupdate-ds"):
            (cls.hook / name).chmod(0o755)
        (cls.hook / "key").write_text(f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n')
        where = f"SERVER=127.0.0.1 PORT={cls.registry.server.port} PARENT={cls.registry.name} KEYFILE={cls.hook}/key\n"
        (cls.hook / "nsupdate-ds.conf").write_text(where)

    @classmethod
    def more_config(cls):
        pass

    @classmethod
    def entry(cls, name, settings):
        parent = {"servers": ["par"], "primary": "par", "ds_ttl": "PT5M", "propagation": "PT0S"}
        parent["command"] = cls.hook / "slow"
        settings = dict(settings)
        parent["submit"] = settings.pop("submit", cls.submit)
        return {
            "name": f"{name}.example.",
            "servers": [f"127.0.0.1@{server.port}" for server in cls.servers],
            "contact": f"admin@{name}.example",
            "parent": parent,
            **cls.settings,
            **settings,
        }

    @classmethod
    def sign_first(cls):
        """zone -> RDATA of the DS that the parent has at first.  One key, with a DS, unless a test wants more."""
        ds = {}
        for zone, child in cls.children.items():
            cls.keys[zone] = [child.key()]
            child.publish(child.sign(cls.begun, cls.keys[zone]))
            ds[zone] = [cls.keys[zone][0].ds()]
        return ds

    def now(self):
        return seconds(self.daemon.json("status")["now"])

    def leap(self, by):
        self.daemon.ctl("time", "leap", "--by", by, seconds=120)

    def status(self, zone):
        return self.daemon.json("monitor", "status", "-z", zone)["domains"][0]

    def history(self, zone):
        return self.daemon.json("monitor", "history", "-z", zone)["history"]

    def verdicts(self, zone):
        return [entry["verdict"] for entry in self.history(zone)]

    def causes(self, zone):
        return {entry["cause"] for entry in self.history(zone)}

    def notices(self, zone, kind):
        listed = self.daemon.json("notice", "list", "-z", zone)["notices"]
        return [n for n in listed if n["kind"] == kind]

    def finding(self, zone, kind):
        """The one of that kind, or None."""
        found = [f for f in self.status(zone)["findings"] if f["kind"] == kind]
        return found[0] if found else None

    def judge(self, zone):
        """A validator that starts at the parent accepts what each of the servers has."""
        for server in self.servers:
            type(self).unbound += 1
            words = children.judge(self.folder / f"unbound{self.unbound}", self.registry, zone, server, self.now())
            self.assertEqual(words, "")

    def leap_judged(self, zone, by, steps):
        """Until the parent's DS set is another one, and judged whenever it is; or so many leaps."""
        before = self.registry.tags(zone)
        for _ in range(steps):
            self.leap(by)
            if self.registry.tags(zone) != before:
                break
        self.judge(zone)
        return self.registry.tags(zone)
