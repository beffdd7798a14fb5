"""What is done with a signer and measured: each scenario runs in a process of its own and reports figures as it has them.

A step that fails says why and leaves the others their chance."""

import json
import os
import re
import statistics
import subprocess
import time

import tldzone
from lib import signer
from lib.util import BUILD, Process

from . import source, use, wire, yardsticks
from .ours import DELAY_MODULE, DelayToken, sessions_of
from .subject import Job

ZONE = tldzone.ORIGIN
POLL = 0.01
PAUSE = 2.5  # seconds between two changes: a signer may take its time after an unsigned NOTIFY
TRANSFERS = 3
SIGNATURE = re.compile(rb"\sRRSIG[ \t]+\S+[ \t]+\d+[ \t]+\d+[ \t]+\d+[ \t]+\d{14}")


class Failed(Exception):
    """A step gave no figure; the words say why."""


class Run:
    """One scenario with one signer.  report(step, figures) keeps what was measured."""

    def __init__(self, cell, folder, load, sticks, report):
        self.cell = cell
        self.folder = folder
        self.load = load
        self.sticks = sticks
        self.report = report

    def signer(self, **job):
        cell = self.cell
        job = Job(cell.algorithm, verify=cell.verify, delay=cell.delay, sessions=cell.sessions, **job)
        return cell.kind(self.folder, job)

    def step(self, name, function, *words):
        try:
            self.report(name, function(*words))
            return True
        except (AssertionError, Failed, OSError, EOFError, subprocess.SubprocessError) as fault:
            self.report(name, {"why": " ".join(str(fault).split())[:300] or type(fault).__name__})
            return False

    def with_yardsticks(self, function):
        """The figures of function(), the token's own between before and after beside them."""
        before = self.sticks.measure(self.cell.algorithm)
        figures = function()
        return {**figures, "yardsticks": yardsticks.mean(before, self.sticks.measure(self.cell.algorithm))}


def total_cpu(server):
    return {name: use.cpu_seconds(pid) for name, pid in server.processes().items()}


def difference(after, before):
    return {name: after[name] - before.get(name, 0) for name in after}


# The life of one zone in a server


def life(run):
    zone = run.load.source_zone(run.cell.size)
    origin, sink = source.Source([zone]), source.Sink()
    server = run.signer(zone=ZONE, source_port=origin.port, sink_port=sink.port)
    try:
        server.prepare()
        steps = run.cell.steps
        if not run.step("full", full_counted, run, server):
            run.report("log", {"tail": server.log()})
            return
        if "axfr" in steps:
            run.step("axfr", transfers, server)
        if "change" in steps:
            run.step("change", changes, run, server, zone, origin, sink)
        if "restart" in steps:
            run.step("restart", restart, run, server, [ZONE])
    finally:
        server.end()


def full(run, server):
    """From the moment the zone is added until a signed version can be had."""
    idle = total_cpu(server) if server.is_running() else {}
    began = time.monotonic()
    server.begin()
    watch = use.Watch(server.processes)
    with wire.Asker(server.port) as asker:
        wall = wait_signed(asker, server, run.cell.patience) - began
    memory = watch.stop()
    cpu = difference(total_cpu(server), idle)
    rss = {name: use.peak_rss(pid) / 1024 for name, pid in server.processes().items()}
    return {"wall": wall, "cpu": sum(cpu.values()), "cpu_each": cpu, "rss_mb": rss, **memory}


def full_counted(run, server):
    figures = run.with_yardsticks(lambda: full(run, server))
    counted = wire.read_axfr(server.port, ZONE, count=True)
    if not counted.signatures:
        raise Failed("the zone came out without signatures")
    return {"signatures": counted.signatures, "records": counted.records, **figures}


def wait_signed(asker, server, seconds):
    """When the signed version was there, and stood still."""
    began = since = time.monotonic()
    last = None
    while time.monotonic() - began < seconds + server.settles:
        answer = asker.ask(ZONE)
        if answer and (answer.signed or not server.signed_soa):
            now = time.monotonic()
            if answer.serial != last:
                last, since = answer.serial, now
            if now - since >= server.settles:
                return since
        if not server.is_running():
            raise Failed("it ended")
        time.sleep(POLL)
    raise Failed(f"not signed within {seconds:.0f} s")


def transfers(server):
    runs = [wire.read_axfr(server.port, ZONE) for _ in range(TRANSFERS)]
    return {
        "records": runs[0].records,
        "octets": runs[0].octets,
        "seconds": [r.seconds for r in runs],
        "records_per_second": sorted(r.records / r.seconds for r in runs)[len(runs) // 2],
    }


def changes(run, server, zone, origin, sink):
    """One address changes at the source, some times over."""
    rows = []
    with wire.Asker(server.port) as asker:
        for n in range(run.cell.changes):
            time.sleep(PAUSE if n else 0)
            rows.append(one_change(run, server, asker, zone, origin, sink))
    middle = {name: statistics.median(row[name] for row in rows) for name in ("ms", "served_ms", "ms_from_notify")}
    return {**middle, **{name: rows[-1][name] for name in ("signatures", "came_by", "went_by")}, "each": rows}


def one_change(run, server, asker, zone, origin, sink):
    """Until the new version is answered for, and until the NOTIFY that tells of it leaves."""
    before = asker.ask(ZONE, 5)
    if not before:
        raise Failed("it does not answer")
    zone.change()
    told = time.monotonic()
    origin.notify(ZONE, server.port)
    deadline = told + run.cell.patience
    served = wait_serial(asker, before.serial, deadline)
    came = sink.wait(ZONE, told, before.serial, deadline)
    sent = [(when, kind) for when, kind in origin.sent if told < when]
    if not served or not came or not sent:
        raise Failed(f"no {'NOTIFY for the' if served else 'new version after a'} change within {run.cell.patience:.0f} s")
    out = wire.read_ixfr(server.port, ZONE, before.serial)
    began, kind = sent[0]
    return {
        "ms": (came - began) * 1000,
        "served_ms": (served - began) * 1000,
        "ms_from_notify": (came - told) * 1000,
        "signatures": out.signatures,
        "came_by": kind,
        "went_by": out.style,
    }


def wait_serial(asker, old, deadline):
    """When another serial than that was answered; None: too late."""
    while time.monotonic() < deadline:
        answer = asker.ask(ZONE)
        if answer and answer.serial != old:
            return time.monotonic()
        time.sleep(0.002)
    return None


def restart(run, server, zones):
    """Stopped in good order; from the start of the program until all of some zones are answered for again."""
    with wire.Asker(server.port) as asker:
        before = asker.ask_all(zones)
        server.stop()
        began = time.monotonic()
        server.restart()
        sample = zones[:: max(1, len(zones) // 100)]
        while len(asker.ask_all(sample)) < len(sample):
            if time.monotonic() - began > run.cell.patience:
                raise Failed(f"not served within {run.cell.patience:.0f} s")
            time.sleep(0.002)
        wall = time.monotonic() - began
        after = wait_all(asker, zones, began + run.cell.patience)
    same = sum(zone in after and after[zone].serial == answer.serial for zone, answer in before.items())
    return {"seconds": wall, "served": len(after), "same_serial": same, "of": len(zones)}


def wait_all(asker, zones, deadline):
    found = {}
    while time.monotonic() < deadline:
        found.update(asker.ask_all([z for z in zones if z not in found]))
        if len(found) == len(zones):
            break
        time.sleep(0.02)
    return found


# Many small zones


def many(run):
    small = run.load.small(run.cell.count)
    zones = [zone for zone, _ in small]
    server = run.signer(small=small, shared=run.cell.shared)
    try:
        server.prepare()
        done = run.step("signed", run.with_yardsticks, lambda: sign_many(run, server, zones))
        if done and "restart" in run.cell.steps:
            run.step("restart", restart, run, server, zones)
        if not done:
            run.report("log", {"tail": server.log()})
    finally:
        server.end()


def sign_many(run, server, zones):
    began = time.monotonic()
    deadline = began + run.cell.patience
    server.begin()
    watch = use.Watch(server.processes)
    pending = list(zones)
    with wire.Asker(server.port) as asker:
        while pending and time.monotonic() < deadline:
            sample = pending[:: max(1, len(pending) // 20)]
            if len(signed(asker, server, sample)) < len(sample):
                time.sleep(0.05)
                continue
            there = signed(asker, server, pending)
            pending = [zone for zone in pending if zone not in there]
        wall = time.monotonic() - began
        there = signed(asker, server, pending)
    count = len(zones) - len(pending) + len(there)
    cpu = total_cpu(server)
    figures = {"seconds": wall, "signed": count, "of": len(zones), "cpu": sum(cpu.values()), "cpu_each": cpu}
    return {**figures, **watch.stop()}


def signed(asker, server, zones):
    found = asker.ask_all(zones)
    return {zone for zone, answer in found.items() if answer.signed or not server.signed_soa}


def calls(run):
    """What is asked of the token for a zone that is added: for the first half of many, and for the second."""
    small = run.load.small(run.cell.count)
    half = len(small) // 2
    server = run.signer(small=small, spied=True)
    try:
        server.prepare()
        run.step("calls", count_calls, run, server, [small[:half], small[half:]])
    finally:
        server.end()


def count_calls(run, server, parts):
    counts = [server.daemon.token.calls()]
    with wire.Asker(server.port) as asker:
        for part in parts:
            server.import_zones(part)
            names = [zone for zone, _ in part]
            if len(wait_all(asker, names, time.monotonic() + run.cell.patience)) < len(names):
                raise Failed(f"not signed within {run.cell.patience:.0f} s")
            counts.append(server.daemon.token.calls())
    first, second = (
        {name: (after[name] - before[name]) / len(part) for name in after if after[name] != before[name]}
        for part, before, after in zip(parts, counts, counts[1:])
    )
    return {
        "of_first": sum(first.values()),
        "of_second": sum(second.values()),
        "each": {"first": first, "second": second},
    }


# Programs that sign a file and end


def tool(run):
    program = run.signer(zone=ZONE, file=run.load.file(run.cell.size))
    program.prepare()
    run.step("full", run.with_yardsticks, lambda: run_tool(run, program))


def run_tool(run, program):
    words, environment, out = program.command()
    process = Process(program.name, run.folder)
    began = time.monotonic()
    process.spawn(*words, env=environment)
    watch = use.Watch(lambda: {program.name: process.pid})
    try:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        process.stop()
        memory = watch.stop()
    if status:
        raise Failed(f"exit status {process.process.returncode}: {process.tail()[-300:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {
        "wall": wall,
        "signatures": count_signatures([out] if out.is_file() else sorted(out.iterdir())),
        "cpu": cpu,
        "cpu_each": {program.name: cpu},
        "rss_mb": {program.name: usage.ru_maxrss / 1024},
        **memory,
    }


def count_signatures(files):
    count = 0
    for path in files:
        with path.open("rb") as lines:
            count += sum(1 for line in lines if SIGNATURE.search(line))
    return count


# The signer of ours without the rest


def alone(run):
    token, module, shape = signer.Token(run.folder / "token", "alone"), signer.MODULE, {"workers": 2, "sessions": 1}
    if run.cell.delay:
        token, module = DelayToken(run.folder / "delay", run.cell.delay), DELAY_MODULE
        shape = sessions_of(run.cell.sessions)
    command = [BUILD / "tests/bench/signbench", module, token.label, token.pin_file, run.load.file(run.cell.size), ZONE]
    command += ["nsec3", run.cell.verify, shape["workers"], shape["sessions"]]

    def measure():
        done = subprocess.run(
            [str(c) for c in command], env=token.environment, capture_output=True, text=True, timeout=run.cell.patience
        )
        if done.returncode:
            raise Failed(f"signbench: {done.stderr.strip()[-200:]}")
        return json.loads(done.stdout)

    run.step("full", run.with_yardsticks, measure)
