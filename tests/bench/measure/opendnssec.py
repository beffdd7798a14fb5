"""OpenDNSSEC: enforcer and signer.  Its control sockets and pid files have one place on a machine: one at a time, as root."""

import os
import sqlite3
import subprocess
from pathlib import Path

from lib import signer
from lib.util import Process, free_port, run, wait_for

from .subject import Server, program

RUN = Path("/run/opendnssec")
SCHEMA = Path("/usr/share/opendnssec/schema.sqlite")
ALGORITHMS = {"p256": (13, 512), "rsa2048": (8, 2048)}
PRIVILEGES = "<Privileges><User>root</User><Group>root</Group></Privileges>"


def is_running():
    """Somebody else's, perhaps."""
    for name in ("enforcerd.pid", "signerd.pid"):
        try:
            os.kill(int((RUN / name).read_text()), 0)
            return True
        except (OSError, ValueError):
            pass
    return False


class OpenDnssec(Server):
    name = "opendnssec"
    title = "OpenDNSSEC"
    needs = ("ods-signerd", "ods-enforcerd", "ods-enforcer", "ods-signer")
    signed_soa = False
    notes = "4 workers, 2 signer threads"

    @classmethod
    def why_not(cls):
        if reason := super().why_not():
            return reason
        if not SCHEMA.exists():
            return f"{SCHEMA} is missing"
        if os.getuid() != 0:
            return "its sockets are in /run: needs root"
        return "another one is running on this machine" if is_running() else None

    @classmethod
    def version(cls):
        done = run(program("ods-signerd"), "-V", check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]

    def __init__(self, folder, job):
        super().__init__(folder, job)
        self.port = free_port()
        self.enforcer = Process("enforcer", self.folder / "enforcer")
        self.signer = Process("signer", self.folder / "signer")
        self.conf = self.folder / "conf.xml"
        self.restarted = False

    def prepare(self):
        self.token = signer.Token(self.folder / "token", "peer")
        (self.folder / "signconf").mkdir()
        RUN.mkdir(exist_ok=True)
        self._write_conf()
        self._write_policy()
        self._write_adapter()
        (self.folder / "zonelist.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>\n<ZoneList></ZoneList>\n')
        with sqlite3.connect(self.folder / "kasp.db") as database:
            database.executescript(SCHEMA.read_text())
            database.execute("INSERT INTO databaseVersion (version) VALUES (1)")
        database.close()
        self._start(self.enforcer, "ods-enforcerd", "enforcer.sock")
        self._start(self.signer, "ods-signerd", "engine.sock")
        wait_for("OpenDNSSEC's enforcer to answer", lambda: self._enforcer("policy", "import", check=False).returncode == 0, 30)

    def _write_conf(self):
        pin = self.token.pin_file.read_text().strip()
        self.conf.write_text(
            f"""<?xml version="1.0" encoding="UTF-8"?>
<Configuration>
<RepositoryList><Repository name="SoftHSM">
<Module>{signer.MODULE}</Module><TokenLabel>peer</TokenLabel><PIN>{pin}</PIN><SkipPublicKey/>
</Repository></RepositoryList>
<Common><Logging><Verbosity>3</Verbosity><Syslog><Facility>local0</Facility></Syslog></Logging>
<PolicyFile>{self.folder}/kasp.xml</PolicyFile><ZoneListFile>{self.folder}/zonelist.xml</ZoneListFile></Common>
<Enforcer>{PRIVILEGES}<Datastore><SQLite>{self.folder}/kasp.db</SQLite></Datastore>
<AutomaticKeyGenerationPeriod>P1M</AutomaticKeyGenerationPeriod>
<WorkingDirectory>{self.folder}/enforcer</WorkingDirectory><WorkerThreads>4</WorkerThreads></Enforcer>
<Signer>{PRIVILEGES}<WorkingDirectory>{self.folder}/signer</WorkingDirectory>
<WorkerThreads>4</WorkerThreads><SignerThreads>2</SignerThreads>
<Listener><Interface><Address>127.0.0.1</Address><Port>{self.port}</Port></Interface></Listener></Signer>
</Configuration>
"""
        )

    def _write_policy(self):
        number, length = ALGORITHMS[self.job.algorithm]
        key = f'<Algorithm length="{length}">{number}</Algorithm>'
        shared = "<ShareKeys/>" if self.job.shared else ""
        (self.folder / "kasp.xml").write_text(
            f"""<?xml version="1.0" encoding="UTF-8"?>
<KASP><Policy name="p"><Description>bench</Description>
<Signatures><Resign>PT2H</Resign><Refresh>P7D</Refresh><Validity><Default>P14D</Default><Denial>P14D</Denial></Validity>
<Jitter>PT12H</Jitter><InceptionOffset>PT3600S</InceptionOffset><MaxZoneTTL>P1D</MaxZoneTTL></Signatures>
<Denial><NSEC3><Resalt>P100D</Resalt>
<Hash><Algorithm>1</Algorithm><Iterations>0</Iterations><Salt length="0"/></Hash></NSEC3></Denial>
<Keys><TTL>PT3600S</TTL><RetireSafety>PT3600S</RetireSafety><PublishSafety>PT3600S</PublishSafety>{shared}<Purge>P14D</Purge>
<KSK>{key}<Lifetime>P2Y</Lifetime><Repository>SoftHSM</Repository></KSK>
<ZSK>{key}<Lifetime>P90D</Lifetime><Repository>SoftHSM</Repository></ZSK></Keys>
<Zone><PropagationDelay>PT3600S</PropagationDelay>
<SOA><TTL>PT3600S</TTL><Minimum>PT3600S</Minimum><Serial>counter</Serial></SOA></Zone>
<Parent><PropagationDelay>PT3600S</PropagationDelay><DS><TTL>PT3600S</TTL></DS>
<SOA><TTL>PT3600S</TTL><Minimum>PT3600S</Minimum></SOA></Parent>
</Policy></KASP>
"""
        )

    def _write_adapter(self):
        sink = f"<Notify><Remote><Address>127.0.0.1</Address><Port>{self.job.sink_port}</Port></Remote></Notify>"
        (self.folder / "addns.xml").write_text(
            f"""<?xml version="1.0" encoding="UTF-8"?>
<Adapter><DNS>
<Inbound><RequestTransfer><Remote><Address>127.0.0.1</Address><Port>{self.job.source_port or 9}</Port></Remote></RequestTransfer>
<AllowNotify><Peer><Prefix>127.0.0.1</Prefix></Peer></AllowNotify></Inbound>
<Outbound><ProvideTransfer><Peer><Prefix>127.0.0.1</Prefix></Peer></ProvideTransfer>
{sink if self.job.sink_port else ""}</Outbound>
</DNS></Adapter>
"""
        )

    def _start(self, process, name, socket):
        (RUN / socket).unlink(missing_ok=True)
        process.spawn(program(name), "-d", "-c", self.conf, env=self.token.environment)
        wait_for(f"the socket of {name}", (RUN / socket).exists, 30, 0.002)

    def _enforcer(self, *words, check=True, seconds=60):
        return run(program("ods-enforcer"), *words, check=check, seconds=seconds)

    def begin(self):
        if self.job.small:
            self._import_small()
            return
        adapter = self.folder / "addns.xml"
        self._enforcer(
            "zone", "add", "--zone", self.job.zone.rstrip("."), "--policy", "p",
            "--in-type", "DNS", "--input", adapter, "--out-type", "DNS", "--output", adapter,
        )  # fmt: skip

    def _import_small(self):
        rows = "".join(
            f'<Zone name="{zone.rstrip(".")}"><Policy>p</Policy>'
            f"<SignerConfiguration>{self.folder}/signconf/{zone}xml</SignerConfiguration><Adapters>"
            f'<Input><Adapter type="File">{path}</Adapter></Input>'
            f'<Output><Adapter type="DNS">{self.folder}/addns.xml</Adapter></Output></Adapters></Zone>\n'
            for zone, path in self.job.small
        )
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        (self.folder / "zonelist.xml").write_text(f"{head}<ZoneList>\n{rows}</ZoneList>\n")
        try:
            self._enforcer("zonelist", "import", seconds=120)
        except subprocess.TimeoutExpired:
            pass  # it goes on, and who was signed is counted

    def is_running(self):
        return self.signer.is_alive()

    def processes(self):
        return {"signer": self.signer.pid, "enforcer": self.enforcer.pid}

    def stop(self):
        self._stop_one(self.signer, "ods-signer")

    def _stop_one(self, process, client):
        """As its manual says; the client can wait for ever when the daemon is gone."""
        if process.is_alive():
            run("timeout", "5", program(client), "stop", check=False)
            process.stop(seconds=20)

    def restart(self):
        self.signer.spawn(program("ods-signerd"), "-d", "-c", self.conf, env=self.token.environment)

    def end(self):
        self._stop_one(self.signer, "ods-signer")
        self._stop_one(self.enforcer, "ods-enforcer")
