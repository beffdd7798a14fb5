"""Both ends of a signer: a source that answers SOA, AXFR and IXFR from octets made beforehand, and a sink that notes when
a NOTIFY came.  Neither does anything between two requests, so that what is measured has the machine."""

import socket
import struct
import threading
import time

from lib.util import free_port

from . import wire


def two_sockets():
    """UDP and TCP on one free port."""
    port = free_port()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    udp.bind((wire.HOST, port))
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((wire.HOST, port))
    tcp.listen(64)
    return udp, tcp, port


def serve_tcp(listening, take):
    """take(connection, octets) for each message of each connection."""

    def serve(connection):
        try:
            with connection:
                while size := connection.recv(2, socket.MSG_WAITALL):
                    take(connection, connection.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL))
        except (OSError, struct.error):
            pass

    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def send(connection, octets):
    connection.sendall(struct.pack(">H", len(octets)) + octets)


class SourceZone:
    """A zone as the octets of its AXFR.  One of its records, the address of ns1, can be changed.

    octets: messages with their lengths before them; the first holds SOA and address, the last ends with the SOA."""

    def __init__(self, name, octets):
        self.name = name
        self.octets = bytearray(octets)
        self.starts = []
        at = 0
        while at < len(self.octets):
            self.starts.append(at)
            at += 2 + struct.unpack_from(">H", self.octets, at)[0]
        first = memoryview(self.octets)[2 : self.starts[1] if len(self.starts) > 1 else len(self.octets)]
        rows = list(wire.records(first))
        _, at, length = rows[0]
        self.soa = bytes(first[at : at + length - 20])
        self.times = bytes(first[at + length - 16 : at + length])
        self.serial_at = (2 + at + length - 20, len(self.octets) - 20)
        self.address_at = next(2 + at for rtype, at, _ in rows if rtype == wire.A)
        self.steps = []

    @property
    def serial(self):
        return struct.unpack_from(">I", self.octets, self.serial_at[0])[0]

    def soa_record(self, serial):
        rdata = self.soa + struct.pack(">I", serial) + self.times
        return b"\xc0\x0c" + struct.pack(">HHIH", wire.SOA, 1, 3600, len(rdata)) + rdata

    def address_record(self):
        rdata = self.octets[self.address_at : self.address_at + 4]
        return b"\x03ns1\xc0\x0c" + struct.pack(">HHIH", wire.A, 1, 3600, 4) + rdata

    def change(self):
        """Another address of ns1, another serial: (old serial, new serial)."""
        old, before = self.serial, self.address_record()
        self.octets[self.address_at + 3] ^= 0x80
        for at in self.serial_at:
            struct.pack_into(">I", self.octets, at, old + 1)
        self.steps.append((old, before, self.address_record()))
        return old, old + 1

    def difference(self, serial):
        """The records of an IXFR answer, or None: only an AXFR will do."""
        rows = [self.soa_record(self.serial)]
        steps = [s for s in self.steps if s[0] >= serial]
        if serial == self.serial:
            return rows
        if not steps or steps[0][0] != serial:
            return None
        for old, before, after in steps:
            rows += [self.soa_record(old), before, self.soa_record(old + 1), after]
        return rows + [self.soa_record(self.serial)]


class Source:
    """Serves its zones on UDP and TCP.  sent: (monotonic time, "AXFR" or "IXFR") of each transfer."""

    def __init__(self, zones):
        self.zones = {zone.name: zone for zone in zones}
        self.sent = []
        self.udp, self.tcp, self.port = two_sockets()
        for loop in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=loop, daemon=True).start()

    def notify(self, zone, port):
        """Says to a signer that there is something new; answers are left unread."""
        head = struct.pack(">HHHHHH", 4711, wire.NOTIFY | wire.AUTHORITATIVE, 1, 0, 0, 0)
        self.udp.sendto(head + wire.question(zone, wire.SOA), (wire.HOST, port))

    def _serve_udp(self):
        while True:
            octets, peer = self.udp.recvfrom(65535)
            if len(octets) >= 12 and not octets[2] & 0x80:
                # An IXFR, too, gets the SOA only: a newer one sends the asker to TCP (RFC 1995, 2).
                _, answer = self._small(octets)
                self.udp.sendto(answer, peer)

    def _serve_tcp(self):
        serve_tcp(self.tcp, self._answer)

    def _small(self, octets, rows=None):
        end = wire.skip_name(octets, 12) + 4
        zone = self.zones.get(wire.name_at(octets, 12))
        if zone and rows is None:
            rows = [zone.soa_record(zone.serial)]
        flags = wire.RESPONSE | wire.AUTHORITATIVE | (0 if zone else 5)
        head = octets[:2] + struct.pack(">HHHHH", flags, 1, len(rows or []), 0, 0)
        return zone, head + octets[12:end] + b"".join(rows or [])

    def _answer(self, connection, octets):
        zone, answer = self._small(octets)
        end = wire.skip_name(octets, 12)
        qtype = struct.unpack_from(">H", octets, end)[0]
        rows = None
        if zone and qtype == wire.IXFR:
            at = wire.skip_name(octets, end + 4)
            rows = zone.difference(wire.soa_serial(octets, at + 10, struct.unpack_from(">H", octets, at + 8)[0]))
        if zone and (qtype == wire.AXFR or (qtype == wire.IXFR and rows is None)):
            for at in zone.starts:
                zone.octets[at + 2 : at + 4] = octets[:2]
            connection.sendall(zone.octets)
            self.sent.append((time.monotonic(), "AXFR"))
            return
        if rows:
            _, answer = self._small(octets, rows)
        send(connection, answer)
        if rows:
            self.sent.append((time.monotonic(), "IXFR"))


class Sink:
    """A destination: notes when NOTIFYs come, by UDP or TCP, and says that it has what it was told of."""

    def __init__(self):
        self.heard = []
        self.serials = {}
        self.news = threading.Condition()
        self.udp, self.tcp, self.port = two_sockets()
        for loop in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=loop, daemon=True).start()

    def _serve_udp(self):
        while True:
            octets, peer = self.udp.recvfrom(65535)
            if answer := self._take(time.monotonic(), octets):
                self.udp.sendto(answer, peer)

    def _serve_tcp(self):
        def take(connection, octets):
            if answer := self._take(time.monotonic(), octets):
                send(connection, answer)

        serve_tcp(self.tcp, take)

    def _take(self, came, octets):
        if len(octets) < 12 or octets[2] & 0x80:
            return None
        zone = wire.name_at(octets, 12)
        if octets[2] & 0x78 == wire.NOTIFY >> 8:
            self._heard(came, zone, octets)
        return self._answer(octets, zone)

    def _heard(self, came, zone, octets):
        soa = next((r for r in wire.records(octets) if r[0] == wire.SOA), None)
        serial = wire.soa_serial(octets, soa[1], soa[2]) if soa else None
        with self.news:
            if soa:
                self.serials[zone] = serial
            self.heard.append((came, zone, serial))
            self.news.notify_all()

    def _answer(self, octets, zone):
        end = wire.skip_name(octets, 12) + 4
        flags = struct.unpack_from(">H", octets, 2)[0] & 0x7900 | wire.RESPONSE | wire.AUTHORITATIVE
        row = b""
        if not flags & wire.NOTIFY and zone in self.serials:
            rdata = b"\0\0" + struct.pack(">IIIII", self.serials[zone], 3600, 900, 1209600, 3600)
            row = b"\xc0\x0c" + struct.pack(">HHIH", wire.SOA, 1, 3600, len(rdata)) + rdata
        return octets[:2] + struct.pack(">HHHHH", flags, 1, 1 if row else 0, 0, 0) + octets[12:end] + row

    def wait(self, zone, since, old, deadline):
        """When the first NOTIFY after `since` came that does not speak of serial `old`; None: too late."""

        def first():
            found = (when for when, of, serial in self.heard if of == zone and when > since and serial != old)
            return next(found, None)

        with self.news:
            self.news.wait_for(first, deadline - time.monotonic())
            return first()
