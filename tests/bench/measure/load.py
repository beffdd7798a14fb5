"""The zones that are signed, made once for a run: as files and, for the source, as the octets of an AXFR."""

import socket
import struct
from pathlib import Path

import tldzone

from . import source, wire

TYPES = {"A": 1, "NS": 2, "SOA": 6, "TXT": 16, "AAAA": 28, "DS": 43}
MESSAGE = 16000  # octets: what name servers send, too
SIZES = {"k": 1000, "M": 1000000}

SMALL = """$ORIGIN {zone}
$TTL 3600
@ SOA ns1 hostmaster 100 3600 900 1209600 3600
@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT "v=spf1 mx -all"
@ A 192.0.2.10
ns1 A 192.0.2.1
ns2 A 192.0.2.2
mail A 192.0.2.3
www A 192.0.2.4
www AAAA 2001:db8::4
"""


def number(size):
    """100k -> 100000."""
    return int(size[:-1]) * SIZES[size[-1]] if size[-1] in SIZES else int(size)


def relative_name(text):
    """A name of tldzone's in its wire form; the zone's own is what the question, at octet 12, says."""
    origin = "." + tldzone.ORIGIN
    if text in ("@", tldzone.ORIGIN):
        return b"\xc0\x0c"
    if text.endswith(origin):
        text = text[: -len(origin)]
    elif text.endswith("."):
        return wire.wire_name(text)
    return wire.wire_name(text)[:-1] + b"\xc0\x0c"


def rdata_of(rtype, words):
    if rtype == "A":
        return socket.inet_aton(words[0])
    if rtype == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if rtype == "NS":
        return relative_name(words[0])
    if rtype == "DS":
        return struct.pack(">HBB", *map(int, words[:3])) + bytes.fromhex(words[3])
    if rtype == "TXT":
        text = " ".join(words).strip('"').encode()
        return bytes([len(text)]) + text
    return relative_name(words[0]) + relative_name(words[1]) + struct.pack(">5I", *map(int, words[2:7]))


def record(line):
    owner, rtype, *words = line.split()
    rdata = rdata_of(rtype, words)
    return relative_name(owner) + struct.pack(">HHIH", TYPES[rtype], 1, 3600, len(rdata)) + rdata


def axfr_octets(lines):
    """The messages of an AXFR, each with its length before it."""
    asked = wire.question(tldzone.ORIGIN, wire.AXFR)
    result = bytearray()
    rows, size = [], 0

    def flush():
        head = struct.pack(">HHHHHH", 0, wire.RESPONSE | wire.AUTHORITATIVE, 1, len(rows), 0, 0)
        body = head + asked + b"".join(rows)
        result.extend(struct.pack(">H", len(body)) + body)
        rows.clear()

    soa = None
    for line in lines:
        if line.startswith("$"):
            continue
        row = record(line)
        soa = soa or row
        rows.append(row)
        size += len(row)
        if size > MESSAGE:
            flush()
            size = 0
    rows.append(soa)
    flush()
    return bytes(result)


class Load:
    """Zone files below a folder, made when they are first asked for."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)

    def _made(self, name, make):
        path = self.folder / name
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.write_bytes(make())
            fresh.rename(path)
        return path

    def file(self, size):
        return self._made(f"tld-{size}.zone", lambda: tldzone.text(number(size)).encode())

    def axfr(self, size):
        return self._made(f"tld-{size}.axfr", lambda: axfr_octets(tldzone.generate(number(size))))

    def make(self, sizes, count):
        """All that is needed, so that no cell has to wait for it."""
        for size in sizes:
            self.file(size)
            self.axfr(size)
        self.small(count)

    def source_zone(self, size):
        return source.SourceZone(tldzone.ORIGIN, self.axfr(size).read_bytes())

    def small(self, count):
        """[(zone, file)] of so many zones of ten RRsets."""
        folder = self.folder / "small"
        folder.mkdir(exist_ok=True)
        zones = [(name, folder / name) for name in (f"z{i:05d}.example." for i in range(count))]
        for name, path in zones:
            if not path.exists():
                path.write_text(SMALL.format(zone=name))
        return zones
