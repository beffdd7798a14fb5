"""Zone data as text: fetching it, comparing it, and generated zones of odd things."""

import re
from dataclasses import dataclass

from .util import run

# What a signer may add anywhere, and what it replaces at the apex only.
DNSSEC_ANYWHERE = {"RRSIG", "NSEC", "NSEC3"}
DNSSEC_AT_APEX = {"DNSKEY", "NSEC3PARAM", "CDS", "CDNSKEY", "ZONEMD", "TYPE65534"}
_LINE = re.compile(r"(\S+)\s+(\d+)\s+IN\s+(\S+)\s*(.*)", re.I)
_SERIAL = re.compile(r"^(\S+ \S+) \d+ ")


@dataclass(frozen=True)
class Tsig:
    name: str
    algorithm: str
    secret: str

    def dig(self):
        return f"{self.algorithm}:{self.name}:{self.secret}"


def transfer(zone, port, tsig=None, address="127.0.0.1", check=True):
    """A zone by AXFR, as dig prints it: one record a line, absolute names, the SOA once."""
    command = ["dig", f"@{address}", "-p", port, "+tcp", "+noall", "+answer", "+onesoa", "+nocookie", "+tries=1"]
    if tsig:
        command += ["-y", tsig.dig()]
    done = run(*command, "-q", zone, "-t", "AXFR", check=check, seconds=120)
    if check and ("Transfer failed" in done.stdout or not _LINE.search(done.stdout)):
        raise AssertionError(f"AXFR of {zone[:80]} from port {port}: {done.stdout[:500]}")
    return done.stdout


def records(text):
    """(owner, ttl, type, rdata) of each line; owners in lower case, since names compare so."""
    for line in text.splitlines():
        if line and not line.startswith(";"):
            match = _LINE.fullmatch(line.strip())
            if not match:
                raise AssertionError(f"not a record as dig prints it: {line[:200]}")
            yield match[1].lower(), int(match[2]), match[3].upper(), match[4]


def without_dnssec(text, zone):
    """What the source said: DNSSEC records out, the SOA's serial blanked."""
    apex = zone.lower().rstrip(".") + "."
    kept = set()
    for owner, ttl, rtype, rdata in records(text):
        if rtype in DNSSEC_ANYWHERE or (owner == apex and rtype in DNSSEC_AT_APEX):
            continue
        if rtype == "SOA":
            rdata = _SERIAL.sub(r"\1 SERIAL ", rdata)
        kept.add((owner, ttl, rtype, rdata))
    return kept


def difference(source_text, signed_text, zone, caseless=False, max_ttl=None):
    """Empty when the signed zone minus DNSSEC is the source's zone, record for record.

    caseless: NSD and Knot serve names in RDATA in lower case.  max_ttl: longer ones were lowered to it."""
    if caseless:
        source_text, signed_text = source_text.lower(), signed_text.lower()
    wanted = without_dnssec(source_text, zone)
    if max_ttl is not None:
        wanted = {(owner, min(ttl, max_ttl), rtype, rdata) for owner, ttl, rtype, rdata in wanted}
    got = without_dnssec(signed_text, zone)
    lines = [f"missing: {' '.join(map(str, r))[:200]}" for r in sorted(wanted - got)]
    lines += [f"too much: {' '.join(map(str, r))[:200]}" for r in sorted(got - wanted)]
    return lines


def serial_of(text):
    for _, _, rtype, rdata in records(text):
        if rtype == "SOA":
            return int(rdata.split()[2])
    raise AssertionError("no SOA in the zone")


def small(zone, serial=1, extra=""):
    """A zone for tests that need no more than one."""
    return f"""$TTL 300
@ IN SOA ns1.{zone} hostmaster.{zone} {serial} 3600 900 1209600 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 AAAA 2001:db8::2
www A 192.0.2.80
* TXT "any"
mail MX 10 ns1
sub NS ns.sub
sub NS ns.elsewhere.example.
ns.sub A 192.0.2.53
safe NS ns.elsewhere.example.
safe NS ns.other.example.
safe DS 4711 13 2 {'0123456789ABCDEF' * 4}
{extra}"""


def changed(text, serial, extra):
    """The zone file with another serial and more records."""
    return re.sub(r"(SOA \S+ \S+) \d+", rf"\g<1> {serial}", text, count=1) + extra


def long_name(octets, letter="n"):
    """A name of so many octets on the wire, from labels of 63 octets and a rest."""
    left = octets - 1
    labels = []
    while left > 0:
        size = min(64, left)
        if left - size == 1:
            size -= 1
        labels.append((letter * size)[: size - 1])
        left -= size
    return ".".join(labels) + "."


def _strings(count):
    return " ".join('"' + chr(97 + i % 26) * 255 + '"' for i in range(count))


def odd(zone, longest=255):
    """A zone of everything that may stand in one, as far as name servers load it and judges agree on it.

    longest: octets of its longest name."""
    deepest = long_name(longest - len(zone), "d").rstrip(".")
    text63 = "t" * 63
    big_record = _strings(48)
    big_set = "\n".join(f'bigset TXT "{i:04d}{chr(97 + i % 26) * 240}"' for i in range(230))
    return f"""$TTL 3600
@ IN SOA Ns1.{zone} Host\\.Master.{zone} 2026112400 7200 1800 1209600 900
@ NS Ns1
@ NS ns.other.example.
Ns1 A 192.0.2.1
NS1 AAAA 2001:DB8::1
; every type of the help page, and those that came since
a A 192.0.2.2
a A 192.0.2.3
a AAAA 2001:db8::2
alias CNAME WWW.Example.COM.
dn DNAME Target.Example.
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
mx MX 10 Mail.{zone}
mx MX 20 a
mx 7200 AAAA 2001:db8::25
nullmx MX 0 .
naptr NAPTR 100 50 "s" "http+I2L+I2C+I2R" "" _http._tcp.Gatech.EDU.
ptr PTR Some.Host.Example.
spf TYPE99 \\# 12 0b763d73706631202d616c6c
srv SRV 0 5 5060 Sip.Example.
_sip._tcp SRV 1 2 3 a
sshfp SSHFP 4 2 {'ab' * 32}
txt TXT "semi;colon" "quote\\"d" "back\\\\slash" "\\000\\001\\255" ""
svcb SVCB 1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1
svcb SVCB 0 pool.svc.example.
@ HTTPS 1 . alpn=h2
caa CAA 0 issue "ca.example; policy=ev"
caa CAA 128 iodef "mailto:sec@example.com"
_443._tcp.www TLSA 3 1 1 {'cd' * 32}
_ftp._tcp URI 10 1 "ftp://ftp.example.com/public"
hinfo HINFO "PDP-11" "UNIX"
rp RP Admin.Example. Txt.Example.
afsdb AFSDB 1 Afs.Example.
x25 X25 "311061700956"
isdn ISDN "150862028003217" "004"
rt RT 2 Relay.Example.
px PX 10 Map822.Example. MapX400.Example.
kx KX 10 Kx.Example.
cert CERT PGP 0 0 AQMD
apl APL 1:192.0.2.0/24 !2:2001:db8::/32
ipseckey IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
dhcid DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
smimea SMIMEA 3 0 0 0102
openpgpkey OPENPGPKEY AQMD
csync CSYNC 66 3 A NS AAAA
hip HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p Rvs.Example.
nid NID 10 0014:4fff:ff20:ee64
l32 L32 10 10.1.2.0
l64 L64 10 2001:0DB8:1140:1000
lp LP 10 l64-subnet1.example.
eui48 EUI48 00-00-5e-00-53-2a
eui64 EUI64 00-00-5e-ef-10-00-00-2a
unknown TYPE731 \\# 6 abcdef012345
unknown TYPE65400 \\# 0
private TYPE65280 \\# 4 c0000201
; wildcards, also below and beside empty non-terminals
* TXT "wild"
*.wild.deep A 192.0.2.9
*.both A 192.0.2.10
*.both MX 10 a
a.*.inner TXT "an asterisk inside"
one.two.three.four.ent A 192.0.2.11
x.y.ent TXT "below"
; labels
\\000\\001bin A 192.0.2.12
\\255\\254.bin A 192.0.2.13
dot\\.in\\.label A 192.0.2.14
back\\\\slash A 192.0.2.15
sp\\ ace A 192.0.2.16
quo\\"te\\;\\(\\)\\@\\$ A 192.0.2.17
MiXeD.CaSe A 192.0.2.18
mixed.CASE TXT "Same Name, Other Case"
{text63} A 192.0.2.19
{deepest} A 192.0.2.20
64/26 NS ns.classless.example.
; delegations: safe, unsafe, with glue, with occluded data
safe NS ns.safe
safe NS ns.other.example.
safe DS 4711 13 2 {'0123456789ABCDEF' * 4}
safe DS 4712 8 1 {'01234567' * 5}
ns.safe A 192.0.2.30
ns.safe AAAA 2001:db8::30
unsafe NS ns.unsafe
ns.unsafe A 192.0.2.31
deeper.unsafe TXT "occluded"
more.deeper.unsafe A 192.0.2.32
child.ent2.far NS a
; RRsets near the limit
bigrecord TXT {big_record}
{big_set}
"""


def contested(zone):
    """What not every judge or peer can take: data below a DNAME, CDS below the apex, SINK, a record of
    60 KiB, a name of 255 octets, upper case in names that have it in their canonical form too."""
    return (
        small(zone)
        + f"""dn DNAME target.example.
under.dn TXT "occluded by DNAME"
cds-below CDS 4711 13 2 {'EF' * 32}
sink TYPE40 \\# 3 010203
bigrecord TXT {_strings(236)}
{long_name(255 - len(zone), "d").rstrip(".")} A 192.0.2.20
svcb SVCB 0 Pool.Svc.Example.
lp LP 10 L64-Subnet1.Example.
"""
    )
