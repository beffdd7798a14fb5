"""A source that does as it is told: right for a while, then wrong in one way per zone."""

import socket
import struct
import threading
import time

SOA, NS, A, CNAME, AXFR = 6, 2, 1, 5, 252


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".") if label) + b"\0"


def record(owner, rtype, rdata, ttl=300, rclass=1):
    name = owner if isinstance(owner, bytes) else wire_name(owner)
    return name + struct.pack(">HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def soa_record(zone, serial):
    times = struct.pack(">IIIII", serial, 3600, 900, 1209600, 300)
    return record(zone, SOA, wire_name("ns." + zone) + wire_name("hostmaster." + zone) + times)


def message(query, question, answers, rcode=0, qid=None):
    """An authoritative answer to a query (its raw octets)."""
    head = struct.pack(">HHHHHH", qid if qid is not None else struct.unpack(">H", query[:2])[0], 0x8400 | rcode, 1, len(answers), 0, 0)
    return head + question + b"".join(answers)


class HostileZone:
    def __init__(self, name):
        self.name = name
        self.serial = 1
        self.fault = ""

    def body(self):
        """What lies between the two SOAs of a good transfer."""
        hosts = [record(f"h{i}.{self.name}", A, bytes([192, 0, 2, i])) for i in range(1, 60)]
        return [record(self.name, NS, wire_name("ns." + self.name)), record("ns." + self.name, A, bytes(4))] + hosts


class Hostile:
    """UDP and TCP on one port.  zones: name -> HostileZone; faults by name, see the functions below."""

    def __init__(self, port):
        self.port = port
        self.zones = {}
        self.queries = []
        self.stopping = threading.Event()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", port))
        self.tcp.listen(64)

    def add_zone(self, name):
        self.zones[name] = HostileZone(name)
        return self.zones[name]

    def start(self):
        for loop in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=loop, daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def serve_udp(self):
        while not self.stopping.is_set():
            try:
                query, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            if len(query) < 12:
                continue
            zone, question, _ = self.read(query)
            if zone and zone.fault != "silent":
                self.udp.sendto(self.soa_answer(zone, query, question), peer)

    def serve_tcp(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=(connection,), daemon=True).start()

    def serve_connection(self, connection):
        try:
            with connection:
                while True:
                    size = connection.recv(2, socket.MSG_WAITALL)
                    if len(size) < 2:
                        return
                    query = connection.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL)
                    zone, question, qtype = self.read(query)
                    if not zone or zone.fault == "silent":
                        self.stopping.wait(90)
                        return
                    if qtype == SOA:
                        self.send(connection, self.soa_answer(zone, query, question))
                        continue
                    if not self.transfer(zone, connection, query, question):
                        return
        except OSError:
            pass

    def read(self, query):
        at = 12
        labels = []
        while at < len(query) and query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        name = ".".join(labels).lower() + "."
        qtype = struct.unpack(">H", query[at + 1 : at + 3])[0]
        self.queries.append((name, qtype))
        return self.zones.get(name), query[12 : at + 5], qtype

    @staticmethod
    def send(connection, octets):
        connection.sendall(struct.pack(">H", len(octets)) + octets)

    @staticmethod
    def soa_answer(zone, query, question):
        if zone.fault == "refused":
            return message(query, question, [], rcode=5)
        if zone.fault == "notauth":
            return message(query, question, [], rcode=9)
        return message(query, question, [soa_record(zone.name, zone.serial)])

    def transfer(self, zone, connection, query, question):
        """True when the connection stays open."""
        name = zone.name
        soa = soa_record(name, zone.serial)
        good = [soa, *zone.body(), soa]
        extra = FAULTS.get(zone.fault)
        if zone.fault == "refused transfer":
            self.send(connection, message(query, question, [], rcode=5))
        elif zone.fault == "cut in a message":
            octets = message(query, question, good[:-1])
            connection.sendall(struct.pack(">H", len(octets)) + octets[: len(octets) // 2])
            return False
        elif zone.fault == "cut between messages":
            self.send(connection, message(query, question, good[:-1]))
            return False
        elif zone.fault == "wrong last SOA":
            self.send(connection, message(query, question, good[:-1] + [soa_record(name, zone.serial + 1)]))
        elif zone.fault == "records after it":
            self.send(connection, message(query, question, good + [record("late." + name, A, bytes(4))]))
        elif zone.fault == "endless":
            self.endless(zone, connection, query, question, soa)
            return False
        elif zone.fault == "slow":
            octets = message(query, question, good[:-1])
            connection.sendall(struct.pack(">H", len(octets)) + octets[:40])
            self.stopping.wait(90)
            return False
        elif zone.fault == "wrong ID":
            qid = struct.unpack(">H", query[:2])[0] ^ 1
            self.send(connection, message(query, question, good, qid=qid))
        elif extra:
            before = [soa, *zone.body()]
            at = 12 + len(question) + sum(map(len, before))
            self.send(connection, message(query, question, [*before, *extra(name, at), soa]))
        elif zone.fault == "no NS at the apex":
            self.send(connection, message(query, question, [soa, *zone.body()[1:], soa]))
        else:
            self.send(connection, message(query, question, good))
        return True

    def endless(self, zone, connection, query, question, soa):
        self.send(connection, message(query, question, [soa]))
        number = 0
        end = time.monotonic() + 60
        while time.monotonic() < end:
            rows = [record(f"e{number + i}.{zone.name}", A, bytes(4)) for i in range(500)]
            number += 500
            self.send(connection, message(query, question, rows))


# Records slipped into an otherwise good transfer; `at` is their offset in the message.
FAULTS = {
    "pointer to itself": lambda zone, at: [record(struct.pack(">H", 0xC000 | at), A, bytes(4))],
    "pointer forward": lambda zone, at: [record(struct.pack(">H", 0xC000 | (at + 2)), A, bytes(4))],
    "pointer beyond the end": lambda zone, at: [record(b"\xff\xff", A, bytes(4))],
    "label too long": lambda zone, at: [record(b"\x7f" + b"a" * 127 + b"\0", A, bytes(4))],
    "RDATA too short": lambda zone, at: [record("short." + zone, A, bytes(3))],
    "RDATA too long": lambda zone, at: [record("long." + zone, A, bytes(5))],
    "out of zone": lambda zone, at: [record("www.elsewhere.example.", A, bytes(4))],
    "CNAME beside other data": lambda zone, at: [record("h1." + zone, CNAME, wire_name("h2." + zone))],
    "two CNAMEs": lambda zone, at: [record("cn." + zone, CNAME, wire_name(f"h{i}." + zone)) for i in (1, 2)],
    "class CHAOS": lambda zone, at: [record("ch." + zone, A, bytes(4), rclass=3)],
    "second SOA in the middle": lambda zone, at: [soa_record("below." + zone, 1)],
    "a query type as data": lambda zone, at: [record("any." + zone, 255, b"")],
}
