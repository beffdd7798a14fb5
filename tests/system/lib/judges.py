"""Judges of signed zones, none of them written here: each says yes, or no and why.

Which judge catches which fault is shown by ../judges; none catches all, so `judge_all` asks them all."""

import calendar
import os
import re
import tempfile
import time
from pathlib import Path

from .util import run
from .zones import records

# What every judge's parser knows by name; other types are handed over in the form of RFC 3597.
_PLAIN = set("A NS SOA CNAME PTR MX TXT AAAA DNAME DS RRSIG NSEC DNSKEY NSEC3 NSEC3PARAM SRV".split())


def plain_text(text, unknown):
    """A signed zone that all judges can parse.

    text and unknown: the same zone from `dig`, without and with +unknownformat, line by line."""
    rows = list(zip((t.split(None, 4) for t in text.splitlines()), (u.split(None, 4) for u in unknown.splitlines())))
    numbers = {t[3]: u[3] for t, u in rows if t[3] not in _PLAIN}
    out = []
    for (owner, ttl, _, rtype, *rdata), (_, _, _, number, *generic) in rows:
        if rtype not in _PLAIN:
            out.append(f"{owner} {ttl} IN {number} {' '.join(generic)}")
            continue
        words = rdata[0].split() if rtype in ("NSEC", "NSEC3", "RRSIG") else rdata
        first, last = {"NSEC": (1, len(words)), "NSEC3": (5, len(words)), "RRSIG": (0, 1)}.get(rtype, (0, 0))
        words[first:last] = [numbers.get(w, w) for w in words[first:last]]
        out.append(f"{owner} {ttl} IN {rtype} {' '.join(words)}")
    return "\n".join(out) + "\n"


def dnssec_verify(path, zone):
    return _say(run("dnssec-verify", "-q", "-o", zone, path, check=False, seconds=300))


def dnssec_verify_csk(path, zone):
    """For a zone with one key for both."""
    return _say(run("dnssec-verify", "-q", "-z", "-o", zone, path, check=False, seconds=300))


def ldns_verify_zone(path, zone):
    return _say(run("ldns-verify-zone", path, check=False, seconds=300))


def kzonecheck(path, zone):
    return _say(run("kzonecheck", "-d", "on", "-o", zone, path, check=False, seconds=300))


def validns(path, zone):
    """Knows few types, and hangs on an open NSEC chain: for zones of plain types."""
    return _say(run("timeout", "60", "validns", "-p", "all", "-z", zone, path, check=False, seconds=90))


def _say(done):
    """'' when the judge passes the zone, else its words."""
    if done.returncode == 0:
        return ""
    return (done.stdout + done.stderr)[-3000:] or f"exit status {done.returncode}"


ALL = {
    "dnssec-verify": dnssec_verify,
    "ldns-verify-zone": ldns_verify_zone,
    "kzonecheck": kzonecheck,
    "validns": validns,
}
CSK = {"dnssec-verify -z": dnssec_verify_csk, "ldns-verify-zone": ldns_verify_zone, "kzonecheck": kzonecheck}
USUAL = ("dnssec-verify", "ldns-verify-zone", "kzonecheck")


def judge_all(zone, text, names=USUAL):
    """Words of every judge that does not pass the zone (text as from plain_text or dig)."""
    handle, path = tempfile.mkstemp(suffix=".zone", dir=os.environ.get("TMPDIR"))
    os.close(handle)
    file = Path(path)
    try:
        file.write_text(text)
        faults = {name: {**ALL, **CSK}[name](file, zone) for name in names}
    finally:
        file.unlink()
    faults["TTLs"] = "\n".join(ttl_faults(text))
    return [f"{name}: {words}" for name, words in faults.items() if words]


def ttl_faults(text):
    """Records whose TTL is not the original TTL in their signature: no judge looks at all of them."""
    ttls = {}
    originals = {}
    for owner, ttl, rtype, rdata in records(text):
        if rtype == "RRSIG":
            words = rdata.split()
            originals[owner, words[0]] = int(words[3])
            rtype = words[0]
        ttls.setdefault((owner, rtype), set()).add(ttl)
    return [f"{key[0]} {key[1]}: {ttls[key]} is not {ttl}" for key, ttl in originals.items() if ttls[key] != {ttl}]


def lasts_seconds(text, now):
    """Seconds until the first signature expires; negative when one has, or is not valid yet."""
    first = None
    for match in re.finditer(r"\sRRSIG\s+\S+ \d+ \d+ \d+ (\d{14}) (\d{14}) ", text):
        ends, begins = (_seconds(t) for t in match.groups())
        left = ends - now if begins <= now else begins * -1
        first = left if first is None else min(first, left)
    return first


def _seconds(stamp):
    return calendar.timegm(time.strptime(stamp, "%Y%m%d%H%M%S"))
