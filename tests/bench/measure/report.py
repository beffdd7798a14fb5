"""The results as Markdown and as JSON."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from .rows import FILE_KEYS, ROWS, SIGNERS, Intaglio, figure


def file_system(folder):
    """tmpfs, or the type of the disk's file system."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        inside = where == "/" or str(folder) == where or str(folder).startswith(where + "/")
        if inside and len(where) >= len(best[0]):
            best = (where, kind)
    return best[1]


def processor():
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def package_version(name):
    command = ["dpkg-query", "-W", "-f", "${Version}", name]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def machine(folder, kinds):
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory[1]) / 1024 / 1024),
        "kernel": platform.release(),
        "files": f"{folder} ({file_system(folder)})",
        "load_at_start": os.getloadavg()[0],
        "softhsm": package_version("libsofthsm2"),
        "openssl": package_version("libssl3"),
        "signers": {kind.name: kind.version() for kind in kinds if not kind.why_not()},
    }


def results(data):
    """One entry for each row, size and signer that has a figure, or a reason for having none."""
    cells = data["cells"]
    sizes = dict.fromkeys(key.split("/")[1] for key in cells)
    for row in ROWS:
        if row.name not in data["only"]:
            continue
        for size in sizes:
            for kind in SIGNERS:
                found = figure(row, size, kind, cells)
                if found is None:
                    continue
                entry = {"row": row.name, "title": row.title, "size": size, "signer": kind.name, "unit": row.unit, **found}
                if kind is Intaglio and size in row.goals:
                    entry["goal"] = row.goal_text(size)
                    entry["met"] = "value" in found and row.is_met(size, found["value"])
                yield entry


def table(lines):
    """Markdown of rows of words, the first of them the head."""
    head, *rest = lines
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(words) + " |" for words in (head, rule, *rest))


class Notes:
    """Reasons that do not fit in a cell of the table, numbered."""

    def __init__(self):
        self.texts = []

    def mark(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"

    def lines(self):
        return [f"[{n}] {text}" for n, text in enumerate(self.texts, 1)]


def word(entry, row, kind, notes):
    if entry is None:
        return ""
    if "why" in entry:
        return entry["why"] if re.match(r"\d+ of \d+", entry["why"]) else notes.mark(entry["why"])
    text = row.form.format(entry["value"])
    return f"({text})" if kind in FILE_KEYS else text


def goals_table(entries, notes):
    """Every row of the goals, the signers side by side."""
    found = {(e["title"], e["size"], e["signer"]): e for e in entries}
    kinds = [k for k in SIGNERS if any("value" in e for e in entries if e["signer"] == k.name)]
    lines = [["", "zone", "goal", "", *(k.title for k in kinds)]]
    for row in ROWS:
        for size in dict.fromkeys(e["size"] for e in entries if e["title"] == row.title):
            ours = found.get((row.title, size, Intaglio.name), {})
            met = {True: "met", False: "missed"}.get(ours.get("met"), "")
            unit = f", {row.unit}" if row.unit else ""
            words = [word(found.get((row.title, size, k.name)), row, k, notes) for k in kinds]
            lines.append([row.title + unit, size, row.goal_text(size), met, *words])
    return table(lines)


def mb(each):
    return f"{sum(each.values()):.0f} ({', '.join(f'{k} {v:.0f}' for k, v in each.items())})"


def full_table(cells):
    """Every full signing, one line each."""
    head = ["run", "wall s", "signatures", "per s", "T", "C", "v us", "CPU us each", "peak private MB", "peak RSS MB"]
    lines = [head]
    for key, figures in cells.items():
        full = figures.get("full", {})
        if "wall" not in full:
            continue
        sticks, n = full["yardsticks"], full["signatures"]
        each = ", ".join(f"{k} {v / n * 1e6:.0f}" for k, v in full["cpu_each"].items())
        lines.append(
            [
                key, f"{full['wall']:.2f}", str(n), f"{n / full['wall']:.0f}", f"{sticks['T']:.0f}",
                f"{sticks['C']:.0f}", f"{sticks['v_us']:.0f}", f"{full['cpu'] / n * 1e6:.0f} ({each})",
                mb(full["each_mb"]), mb(full["rss_mb"]),
            ]
        )  # fmt: skip
    return table(lines) if len(lines) > 1 else ""


def change_table(cells):
    head = ["one record changed", "IXFR in until NOTIFY, ms", "until served, ms", "NOTIFY in until NOTIFY, ms"]
    lines = [[*head, "signatures made", "in by", "out by"]]
    for key, figures in cells.items():
        change = figures.get("change", {})
        if "ms" in change:
            spread = sorted(row["ms"] for row in change["each"])
            words = [f"{change['ms']:.1f} ({spread[0]:.1f} to {spread[-1]:.1f})"]
            words += [f"{change[name]:.1f}" for name in ("served_ms", "ms_from_notify")]
            lines.append([key, *words, str(change["signatures"]), change["came_by"], change["went_by"]])
    return table(lines) if len(lines) > 1 else ""


def markdown(data):
    cells, about = data["cells"], data["machine"]
    notes = Notes()
    entries = list(results(data))
    parts = [
        f"{about['date']}, {about['cores']} cores ({about['processor']}), {about['memory_gb']} GB, files in {about['files']},"
        f" SoftHSM2 {about['softhsm']}, load at start {about['load_at_start']:.2f}.",
        goals_table(entries, notes),
    ]
    parts.append("\n".join([*notes.lines(), *signer_notes(data)]))
    parts += [full_table(cells), change_table(cells)]
    return "\n\n".join(part for part in parts if part) + "\n"


def signer_notes(data):
    used = {key.split("/")[2] for key in data["cells"]}
    lines = []
    for kind in SIGNERS:
        version = data["machine"]["signers"].get(kind.name)
        if version and kind.name in used:
            lines.append(f"* {kind.title}: {version}{'; ' if kind.notes else ''}{kind.notes}")
    return lines
