"""DNS by hand: asking for SOAs by the thousand, and reading transfers faster than they are sent."""

import select
import socket
import struct
import time
from dataclasses import dataclass

A, NS, SOA, OPT, RRSIG, IXFR, AXFR = 1, 2, 6, 41, 46, 251, 252
QUERY, NOTIFY = 0x0000, 0x2000
RESPONSE, AUTHORITATIVE = 0x8000, 0x0400
HOST = "127.0.0.1"


def wire_name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(zone, qtype):
    return wire_name(zone) + struct.pack(">HH", qtype, 1)


def query(zone, qtype, qid=0, serial=None):
    """With the DO bit; serial: of the version one has, for IXFR."""
    authority = b""
    if serial is not None:
        rdata = b"\0\0" + struct.pack(">IIIII", serial, 0, 0, 0, 0)
        authority = b"\xc0\x0c" + struct.pack(">HHIH", SOA, 1, 0, len(rdata)) + rdata
    head = struct.pack(">HHHHHH", qid, QUERY, 1, 0, 1 if authority else 0, 1)
    return head + question(zone, qtype) + authority + b"\0" + struct.pack(">HHIH", OPT, 4096, 0x8000, 0)


def skip_name(octets, at):
    while octets[at]:
        if octets[at] >= 0xC0:
            return at + 2
        at += octets[at] + 1
    return at + 1


def name_at(octets, at):
    """An uncompressed name, in lower case."""
    labels = []
    while octets[at]:
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("latin-1").lower())
        at += octets[at] + 1
    return ".".join(labels) + "."


def records(octets):
    """(type, offset of RDATA, its length) of each record in the answer section."""
    questions, answers = struct.unpack_from(">HH", octets, 4)
    at = 12
    for _ in range(questions):
        at = skip_name(octets, at) + 4
    for _ in range(answers):
        at = skip_name(octets, at)
        rtype, length = struct.unpack_from(">H6xH", octets, at)
        at += 10
        yield rtype, at, length
        at += length


def soa_serial(octets, at, length):
    return struct.unpack_from(">I", octets, at + length - 20)[0]


@dataclass
class Answer:
    """What a server says with authority about a zone's SOA."""

    serial: int
    signed: bool


def read_answer(octets):
    """An Answer, or None when the server has no such zone (yet)."""
    if len(octets) < 12:
        return None
    flags = struct.unpack_from(">H", octets, 2)[0]
    if flags & 0xF or not flags & AUTHORITATIVE:
        return None
    serial, signed = None, False
    for rtype, at, length in records(octets):
        if rtype == SOA:
            serial = soa_serial(octets, at, length)
        signed |= rtype == RRSIG
    return Answer(serial, signed) if serial is not None else None


class Asker:
    """Asks one server for SOAs by UDP."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.connect((HOST, port))
        self.number = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, zone, seconds=0.3):
        return self.ask_all([zone], seconds).get(zone)

    def ask_all(self, zones, seconds=0.5, window=200):
        """zone -> Answer of those that have one; each is asked once, a window of them at a time."""
        found, waiting, todo = {}, {}, iter(zones)
        deadline = time.monotonic() + seconds
        while True:
            while len(waiting) < window:
                zone = next(todo, None)
                if zone is None:
                    break
                self.number = (self.number + 1) & 0xFFFF
                if not self._send(query(zone, SOA, self.number)):
                    return found
                waiting[self.number] = zone
                deadline = time.monotonic() + seconds
            if not waiting:
                return found
            if not select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
                return found
            try:
                octets = self.socket.recv(65535)
            except ConnectionRefusedError:
                return found
            zone = waiting.pop(struct.unpack_from(">H", octets)[0], None)
            if zone and (answer := read_answer(octets)):
                found[zone] = answer

    def _send(self, octets):
        try:
            self.socket.send(octets)
        except ConnectionRefusedError:
            # What the datagram before met; nobody listens.
            return False
        return True


@dataclass
class Transfer:
    records: int = 0
    octets: int = 0
    messages: int = 0
    seconds: float = 0.0
    signatures: int = 0
    style: str = "AXFR"
    serial: int = 0


def _connect(port, request):
    connection = socket.create_connection((HOST, port), 10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    connection.settimeout(60)
    connection.sendall(struct.pack(">H", len(request)) + request)
    return connection


def _messages(connection):
    """Messages as views into a buffer, each valid until the next is asked for."""
    buffer = bytearray(8 << 20)
    view = memoryview(buffer)
    have = 0
    while True:
        got = connection.recv_into(view[have:])
        if not got:
            raise EOFError("the connection was closed in the middle of a transfer")
        have += got
        at = 0
        while have - at >= 2:
            size = buffer[at] << 8 | buffer[at + 1]
            if have - at - 2 < size:
                break
            yield view[at + 2 : at + 2 + size]
            at += 2 + size
        buffer[: have - at] = buffer[at:have]
        have -= at


def _check(message):
    rcode = message[3] & 0xF
    if rcode or not message[6] << 8 | message[7]:
        raise AssertionError(f"a transfer was answered with RCODE {rcode} and no record")


def read_axfr(port, zone, count=False):
    """How long a whole zone takes.  count: the signatures are counted, too, which makes the reader slow."""
    result = Transfer()
    began = time.monotonic()
    with _connect(port, query(zone, AXFR)) as connection:
        tail = None
        for message in _messages(connection):
            result.messages += 1
            result.records += message[6] << 8 | message[7]
            result.octets += len(message)
            after = 0
            if tail is None:
                _check(message)
                _, at, length = next(records(message))
                tail = bytes(message[at + length - 20 : at + length])
                result.serial = struct.unpack(">I", tail[:4])[0]
                after = at + length
            if count:
                result.signatures += sum(rtype == RRSIG for rtype, _, _ in records(message))
            # The numbers of the SOA again: the end.  (A TSIG record or an OPT may follow.)
            if tail in bytes(message[max(after, len(message) - 700) :]):
                break
    result.seconds = time.monotonic() - began
    return result


def read_ixfr(port, zone, serial):
    """What a secondary that has `serial` is sent; style says whether it was a difference.  Signatures: those added."""
    result = Transfer(style="IXFR")
    with _connect(port, query(zone, IXFR, serial=serial)) as connection:
        soas = newest = 0
        for message in _messages(connection):
            _check(message)
            for rtype, at, length in records(message):
                result.records += 1
                if rtype == SOA:
                    soas += 1
                    result.serial = result.serial or soa_serial(message, at, length)
                    newest += soa_serial(message, at, length) == result.serial
                elif result.records == 2:
                    result.style = "AXFR"
                # After the first: SOAs that take away, and that add, in turn (RFC 1995, 4).
                result.signatures += rtype == RRSIG and (result.style == "AXFR" or soas % 2 == 1)
            if result.serial == serial or newest == (3 if result.style == "IXFR" else 2):
                return result
    return result
