"""Intaglio itself: a token of its own, the configuration, the daemon and the operator's command."""

import json
import os
import re
import signal
from pathlib import Path

from . import zones
from .peers import judged_text, new_tsig, serial_at
from .util import BUILD, Process, free_port, run, wait_for

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
MODULE = next((m for m in MODULES if Path(m).exists()), MODULES[0])


def libconfig(value, indent=""):
    """A Python value in libconfig's syntax: dict, list, str, bool, int."""
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{k} = {libconfig(v, deeper)};" for k, v in value.items() if v is not None]
        return "{\n" + "\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(libconfig(v, deeper) for v in value) + " )"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Token:
    """A SoftHSM2 token in a folder of its own, made by intaglio-hsm init."""

    def __init__(self, folder, label="intaglio"):
        self.folder = Path(folder)
        self.label = label
        (self.folder / "tokens").mkdir(parents=True)
        self.conf = self.folder / "softhsm2.conf"
        self.conf.write_text(
            f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.pin_file = self.folder / "pin"
        self.so_pin_file = self.folder / "so-pin"
        for path, pin in ((self.pin_file, "2468"), (self.so_pin_file, "13579")):
            path.write_text(pin + "\n")
            path.chmod(0o600)
        self.hsm("init", "--so-pin-file", self.so_pin_file)

    @property
    def environment(self):
        return dict(os.environ, SOFTHSM2_CONF=str(self.conf))

    def hsm(self, verb, *words, check=True):
        options = ["--module", MODULE, "--label", self.label, "--pin-file", self.pin_file]
        return run(BUILD / "intaglio-hsm", verb, *options, *words, check=check, env=self.environment, seconds=120)

    def key_ids(self):
        """CKA_IDs of the private keys in it, as another program lists them."""
        pin = self.pin_file.read_text().strip()
        command = ["pkcs11-tool", "--module", MODULE, "--token-label", self.label, "--login", "--pin", pin]
        done = run(*command, "--list-objects", "--type", "privkey", env=self.environment)
        return re.findall(r"ID:\s+([0-9a-f]+)", done.stdout)

    def delete_records(self):
        """Every data object in it goes, by another program's hand; how many there were."""
        pin = self.pin_file.read_text().strip()
        command = ["pkcs11-tool", "--module", MODULE, "--token-label", self.label, "--login", "--pin", pin]
        done = run(*command, "--list-objects", "--type", "data", env=self.environment)
        labels = re.findall(r"label:\s+'?([^'\n]+)'?", done.stdout)
        for label in labels:
            run(*command, "--delete-object", "--type", "data", "--label", label.strip(), env=self.environment)
        return len(labels)


class Daemon(Process):
    """intagliod with a configuration that tests change as a dict (self.config)."""

    def __init__(self, folder, token=None):
        super().__init__("intagliod", folder)
        self.token = token or Token(self.folder / "token")
        self.port = free_port()
        self.conf = self.folder / "intaglio.conf"
        self.options = []
        self.source_key = new_tsig("source-key.example.")
        self.dest_key = new_tsig("dest-key.example.")
        self.config = {
            "state_dir": self.folder / "state",
            "run_dir": self.folder / "run",
            "listen": [{"address": "127.0.0.1", "port": self.port}],
            "tokens": [
                {"name": "main", "module": MODULE, "label": self.token.label, "pin_file": self.token.pin_file}
            ],
            "tsig_keys": [self.tsig_entry(self.source_key), self.tsig_entry(self.dest_key)],
            "servers": [],
            "policies": [self.policy("default")],
            "zones": [],
        }

    @staticmethod
    def tsig_entry(key):
        return {"name": key.name, "algorithm": key.algorithm, "secret": key.secret}

    @staticmethod
    def policy(name, algorithm="ECDSAP256SHA256", denial="nsec3", **more):
        return {"name": name, "algorithm": algorithm, "denial": denial, "token": "main", **more}

    def add_server(self, name, port, key, **more):
        server = {"name": name, "address": "127.0.0.1", "port": port, **more}
        if key:
            server["tsig"] = key.name
        self.config["servers"].append(server)

    def add_zone(self, zone, policy="default", **more):
        self.config["zones"].append({"name": zone, "policy": policy, **more})

    def write_config(self):
        text = "".join(f"{k} = {libconfig(v)};\n" for k, v in self.config.items())
        self.conf.write_text(text)
        self.conf.chmod(0o600)

    def start(self, wait=True, write=True):
        if write:
            self.write_config()
        self.spawn(BUILD / "intagliod", "-f", "-c", self.conf, *self.options, env=self.token.environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=20):
        def answers():
            if not self.is_alive():
                raise AssertionError(f"intagliod ended ({self.process.returncode}):\n{self.tail()}")
            return self.ctl("status", check=False).returncode == 0

        wait_for("intagliod to answer 'intaglio status'", answers, seconds, 0.1)

    def check_config(self):
        return run(BUILD / "intagliod", "--check-config", "-c", self.conf, check=False, env=self.token.environment)

    def ctl(self, *words, check=True, seconds=60, stdin=None):
        return run(
            BUILD / "intaglio", "-c", self.conf, *words,
            check=check, seconds=seconds, env=self.token.environment, input=stdin,
        )  # fmt: skip

    def json(self, *words):
        done = self.ctl(*words, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"intaglio {' '.join(words)} --json printed no JSON:\n{done.stdout[:2000]}") from None

    def status(self, zone):
        """The zone's entry of `zone status --json`."""
        wanted = zone.rstrip(".").lower()
        for entry in self.json("zone", "status", "-z", zone)["zones"]:
            if entry["zone"].rstrip(".").lower() == wanted:
                return entry
        raise AssertionError(f"zone status knows no {zone}")

    def keys(self, zone):
        return self.json("key", "list", "-z", zone)["keys"]

    def wait_signed(self, zone, condition=lambda s: True, seconds=40):
        """The status, once there is a signed version for which condition(status) holds."""

        def signed():
            status = self.status(zone)
            return status if status.get("serial_out") is not None and condition(status) else None

        try:
            return wait_for(f"a signed version of {zone[:60]}", signed, seconds, 0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}\nstatus: {self.ctl('zone', 'status', '-z', zone, check=False).stdout}\n{self.tail()}") from None

    def peer_status(self, zone, side, server):
        """Entry of a source or destination ('sources', 'destinations') of a zone."""
        return next(p for p in self.status(zone)[side] if p["server"] == server)

    def wait_peer(self, zone, side, server, status, seconds=40):
        def reached():
            entry = self.peer_status(zone, side, server)
            return entry if entry["status"] == status else None

        try:
            return wait_for(f"{server} of {zone} to be {status}", reached, seconds, 0.1)
        except AssertionError as late:
            entry = self.peer_status(zone, side, server)
            raise AssertionError(f"{late}; it is {entry}\n{self.tail()}") from None

    def serial(self, zone):
        """What a destination is told."""
        return serial_at(zone, self.port, self.dest_key)

    def transfer(self, zone, **more):
        return zones.transfer(zone, self.port, self.dest_key, **more)

    def plain_transfer(self, zone):
        return judged_text(zone, self.port, self.dest_key)

    def ds(self, zone):
        lines = self.ctl("key", "export", "-z", zone, "--ds").stdout.splitlines()
        return [line for line in lines if re.search(r"\sDS\s", line)]

    def process_tree(self):
        """pid -> command line of the daemon's processes, the master among them."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                parents[int(entry.name)] = (int(stat[1]), stat[0], words.strip())
        tree = {}
        todo = [self.pid]
        while todo:
            pid = todo.pop()
            if pid in parents and parents[pid][1] != "Z":
                tree[pid] = parents[pid][2]
            todo += [p for p, (parent, _, _) in parents.items() if parent == pid]
        return tree

    def role_of(self, pid, words):
        """master, network, signer or worker."""
        role = re.search(r"--role (\w+)", words)
        return "master" if pid == self.pid or not role else {"token": "worker"}.get(role[1], role[1])

    def has(self, role):
        """The pid of a process with that role, or None."""
        return next((p for p, words in self.process_tree().items() if self.role_of(p, words) == role), None)

    def pid_of(self, role):
        return wait_for(f"a {role} process below pid {self.pid}", lambda: self.has(role), 30)

    def wait_token(self, name="main"):
        """Until the token answers and its keys were read."""

        def up():
            listed = self.json("repository", "list")["repositories"]
            return next(t for t in listed if t["name"] == name)["state"] == "up"

        wait_for(f"token {name} to be up", up, 20, 0.1)

    def kill(self, role):
        """kill -9 one process; the master's children must end by themselves then."""
        pid = self.pid_of(role)
        if role == "worker":
            # SoftHSM truncates and rewrites its token object in C_Login: killed there, it loses the token.
            logged_in = re.compile(rf"token\[{pid}\] notice: .*logged in")
            wait_for("the worker to have logged in", lambda: logged_in.search(self.log_text()), 20)
        others = [p for p in self.process_tree() if p != pid]
        os.kill(pid, signal.SIGKILL)
        if role == "master":
            self.process.wait(10)
            wait_for("the children to end after their master", lambda: not any(_exists(p) for p in others), 15)
        return pid

    def reload(self):
        """SIGHUP, and wait until the master has acted on it."""
        mark = len(self.log_text())
        self.write_config()
        self.process.send_signal(signal.SIGHUP)
        words = ("the configuration is in effect", "the configuration was not changed")
        wait_for("the reload", lambda: any(w in self.log_text()[mark:] for w in words), 20)


def _exists(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
