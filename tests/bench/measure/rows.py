"""The rows of the table: what is asked for, in which unit, with which goal, and the cells that give it."""

import statistics
from dataclasses import dataclass, field

from lib.util import BUILD

from . import scenarios
from .bind import DnssecSignzone, Named
from .cells import Cell
from .knot import Knotd, Kzonesign
from .ldns import LdnsSignzone
from .load import number
from .opendnssec import OpenDnssec
from .ours import DELAY_MODULE, SPY_MODULE, Intaglio

SIGNERS = (Intaglio, Knotd, Kzonesign, OpenDnssec, Named, DnssecSignzone, LdnsSignzone)
SERVERS = (Intaglio, Knotd, OpenDnssec, Named)
TOOLS = (Kzonesign, DnssecSignzone, LdnsSignzone)
FILE_KEYS = (Named, DnssecSignzone)

# The token that takes its time: so many sessions, so many seconds for each signature.
SESSIONS, DELAY = 64, 0.002


@dataclass
class Row:
    """value(figures of a cell, kind of signer) -> number; goals: size -> number, reached from above or from below.

    sets: the cells that can give it; step: what such a cell must have done."""

    name: str
    title: str
    unit: str
    value: object
    sets: tuple
    step: str = "full"
    goals: dict = field(default_factory=dict)
    at_most: bool = False
    form: str = "{:.2f}"

    def goal_text(self, size):
        if size not in self.goals:
            return ""
        sign = "<=" if self.at_most else ">="
        return f"{sign} {self.goals[size]:g} {self.unit}".strip()

    def is_met(self, size, value):
        return value <= self.goals[size] if self.at_most else value >= self.goals[size]


def rate(figures):
    return figures["full"]["signatures"] / figures["full"]["wall"]


def to_token(figures, _):
    return rate(figures) / figures["full"]["yardsticks"]["T"]


def to_ceiling(figures, _):
    return rate(figures) / figures["full"]["yardsticks"]["C"]


def to_limit(figures, _):
    sticks = figures["full"]["yardsticks"]
    return rate(figures) * (2 / sticks["C"] + sticks["v_us"] * 1e-6) / 2


def own_cpu(figures, kind):
    full = figures["full"]
    each = full["cpu"] / full["signatures"] * 1e6
    if kind in FILE_KEYS:
        return each
    return each - full["yardsticks"]["copy_cpu_us" if kind is Intaglio else "token_cpu_us"]


def alone_to_ceiling(figures, _):
    return figures["full"]["rate"] / figures["full"]["yardsticks"]["C"]


def alone_cpu(figures, _):
    full = figures["full"]
    return full["signer_cpu_us"] + full["worker_cpu_us"] - full["yardsticks"]["copy_cpu_us"]


def memory(figures, _):
    return figures["full"]["anonymous_mb"]


def change_ms(figures, kind):
    """Without the token's own time for the signatures, where they are made in one and known."""
    change, sticks = figures["change"], figures["full"]["yardsticks"]
    if kind in FILE_KEYS or change["went_by"] != "IXFR":
        return change["ms"]
    return change["ms"] - change["signatures"] * 2000 / sticks["C"]


def to_sessions(figures, _):
    return rate(figures) / (SESSIONS / DELAY)


def alone_to_sessions(figures, _):
    return figures["full"]["rate"] / (SESSIONS / DELAY)


def calls_grown(figures, _):
    return figures["calls"]["of_second"] / figures["calls"]["of_first"]


def field_of(step, name, scale=1.0):
    return lambda figures, _: figures[step][name] * scale


ROWS = (
    Row("full", "full sign, P-256, NSEC3 / C", "", to_ceiling, ("life", "tool"), goals={"100k": 0.75, "1M": 0.65}),
    Row("full", "the same / T", "", to_token, ("life", "tool"), goals={"100k": 1.2, "1M": 1.0}),
    Row("full", "the same, wall", "s", field_of("full", "wall"), ("life", "tool"), form="{:.1f}"),
    Row("verified", "every signature verified / (2/(2/C+v))", "", to_limit, ("verified",), goals={"100k": 0.85}),
    Row("alone", "our signer alone (signbench) / C", "", alone_to_ceiling, ("alone",)),
    Row("alone", "its CPU per signature, the token's taken off", "us", alone_cpu, ("alone",), form="{:.0f}"),
    Row(
        "cpu", "CPU per signature, the token's taken off", "us", own_cpu, ("life", "tool"),
        goals={"100k": 8, "1M": 8}, at_most=True, form="{:.0f}",
    ),
    Row(
        "change", "one record changed: IXFR in until NOTIFY leaves, the token's time taken off", "ms", change_ms,
        ("life",), "change", goals={"1M": 10}, at_most=True, form="{:.1f}",
    ),
    Row(
        "restart", "restart with the signed zone until it is served", "s", field_of("restart", "seconds"), ("life",),
        "restart", goals={"1M": 0.3}, at_most=True,
    ),
    Row(
        "axfr", "AXFR out", "million records/s", field_of("axfr", "records_per_second", 1e-6), ("life",), "axfr",
        goals={"100k": 4, "1M": 4},
    ),
    Row(
        "memory", "peak private memory in the full sign", "MB", memory, ("life", "tool"),
        goals={"100k": 64, "1M": 160}, at_most=True, form="{:.0f}",
    ),
    Row(
        "own-keys", "many zones, KSK and ZSK each: until all are signed", "s", field_of("signed", "seconds"), ("own",),
        "signed", goals={"1000 zones": 60}, at_most=True, form="{:.1f}",
    ),
    Row(
        "shared-keys", "many zones, shared keys: until all are signed", "s", field_of("signed", "seconds"), ("shared",),
        "signed", goals={"10000 zones": 30}, at_most=True, form="{:.1f}",
    ),
    Row(
        "shared-keys", "the same: restart until all are served", "s", field_of("restart", "seconds"), ("shared",),
        "restart", goals={"10000 zones": 1}, at_most=True,
    ),
    Row(
        "calls", "PKCS#11 calls for a zone that is added, KSK and ZSK of its own", "", field_of("calls", "of_first"),
        ("calls",), "calls", form="{:.1f}",
    ),
    Row(
        "calls", "the same, when as many zones are there already / the first", "", calls_grown, ("calls",), "calls",
        goals={"200 zones": 1.05}, at_most=True, form="{:.3f}",
    ),
    Row("rsa", "full sign, RSA-2048, NSEC3 / T of RSA", "", to_token, ("rsa", "rsa-tool"), goals={"100k": 0.95}),
    Row(
        "sessions", f"{SESSIONS} sessions of a token that takes {DELAY * 1000:g} ms, our signer alone "
        f"/ {SESSIONS / DELAY:g} per s", "", alone_to_sessions, ("sessions-alone",), goals={"100k": 0.95, "1M": 0.95},
    ),
    Row("sessions", "the same, the whole daemon", "", to_sessions, ("sessions",)),
)  # fmt: skip
NAMES = tuple(dict.fromkeys(row.name for row in ROWS))


def patience(size, each=0.0012):
    """Seconds for one step with a zone of that size: several times what the slowest peer was seen to take."""
    return 60 + number(size) * each


def wants(only, *names):
    return any(name in only for name in names)


def plan_size(only, size, kinds, repeat):
    """The cells of one zone."""
    steps = {step for step in ("axfr", "change", "restart") if step in only}
    limits = {"patience": patience(size), "limit": 3 * patience(size)}
    for n in range(1, repeat + 1):
        if steps or wants(only, "full", "cpu", "memory"):
            for kind in SERVERS:
                if kind in kinds:
                    yield Cell("life", scenarios.life, kind, size, n, steps=steps, **limits)
                if kind is Intaglio and "verified" in only:
                    yield Cell("verified", scenarios.life, kind, size, n, verify="all", **limits)
        elif "verified" in only:
            yield Cell("verified", scenarios.life, Intaglio, size, n, verify="all", **limits)
        if "alone" in only:
            yield Cell("alone", scenarios.alone, Intaglio, size, n, **limits)
        if wants(only, "full", "cpu", "memory"):
            for kind in TOOLS:
                if kind in kinds:
                    yield Cell("tool", scenarios.tool, kind, size, n, **limits)


def plan_rsa(size, kinds, repeat):
    limits = {"algorithm": "rsa2048", "patience": patience(size, 0.003), "limit": 2 * patience(size, 0.003)}
    for n in range(1, repeat + 1):
        for kind in SERVERS:
            if kind in kinds and kind not in FILE_KEYS:
                yield Cell("rsa", scenarios.life, kind, size, n, **limits)
        for kind in TOOLS:
            if kind in kinds and kind not in FILE_KEYS:
                yield Cell("rsa-tool", scenarios.tool, kind, size, n, **limits)


def plan_many(name, count, shared, kinds, repeat):
    steps = {"restart"} if shared else set()
    for n in range(1, repeat + 1):
        for kind in SERVERS:
            if kind in kinds:
                yield Cell(
                    name, scenarios.many, kind, f"{count} zones", n, count=count, shared=shared, steps=steps,
                    patience=150, limit=600,
                )  # fmt: skip


def plan_calls(count, repeat):
    for n in range(1, repeat + 1):
        yield Cell("calls", scenarios.calls, Intaglio, f"{count} zones", n, count=count, patience=150, limit=400)


def plan_sessions(size, repeat):
    rest = {"delay": DELAY, "sessions": SESSIONS, "patience": patience(size), "limit": 900}
    for n in range(1, repeat + 1):
        yield Cell("sessions-alone", scenarios.alone, Intaglio, size, n, **rest)
        yield Cell("sessions", scenarios.life, Intaglio, size, n, **rest)


def plan(only, sizes, kinds, repeat, counts):
    """Every cell of a run, in order.  counts: how many zones with own and with shared keys."""
    cells = []
    for size in sizes:
        cells += plan_size(only, size, kinds, repeat)
    if "calls" in only:
        cells += plan_calls(min(counts[0], 200), repeat)
    if "rsa" in only:
        cells += plan_rsa(sizes[0], kinds, repeat)
    if "own-keys" in only:
        cells += plan_many("own", counts[0], False, kinds, repeat)
    if "shared-keys" in only:
        cells += plan_many("shared", counts[1], True, kinds, repeat)
    if "sessions" in only:
        cells += plan_sessions(sizes[-1], repeat)
    return cells


def why_not(cell):
    """Why a cell cannot run here, or None."""
    if cell.delay and not DELAY_MODULE.exists():
        return f"{DELAY_MODULE} was not built"
    if cell.scenario is scenarios.calls and not SPY_MODULE.exists():
        return "not installed: opensc-pkcs11"
    if cell.scenario is scenarios.alone and not (BUILD / "tests/bench/signbench").exists():
        return "tests/bench/signbench was not built"
    return cell.kind.why_not()


def figure(row, size, kind, cells):
    """{"value", "values"} or {"why"} of a row for one signer; None when no cell was to give it.  cells: key -> figures."""
    values, reasons, found = [], [], False
    for key, figures in cells.items():
        row_set, of, name, _ = key.split("/")
        if row_set not in row.sets or of != size or name != kind.name:
            continue
        found = True
        try:
            step = figures[row.step]
            done = step.get("signed", step.get("served", 0))
            if done < step.get("of", 0):
                raise ArithmeticError(f"{done} of {step['of']} in {step['seconds']:.0f} s")
            values.append(row.value(figures, kind))
        except ArithmeticError as incomplete:
            reasons.append(str(incomplete))
        except KeyError:
            reasons.append(reason_of(figures, row.step))
    if values:
        return {"value": statistics.median(values), "values": values}
    return {"why": reasons[0]} if found else None


def reason_of(figures, step):
    for name in (step, "full", "signed", "failed"):
        if why := figures.get(name, {}).get("why"):
            return why
    return "not measured"
