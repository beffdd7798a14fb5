#!/usr/bin/python3
"""A zone like a top-level domain's, the same one for the same size and seed.

    tldzone.py RRSETS [SEED] > FILE

Nine of ten names are delegations; three of ten of those have a DS, two of ten have name servers of their own with
addresses; the others are hosts.  100,000 RRsets make some 80,000 signatures with NSEC3."""

import random
import sys

ORIGIN = "tld."
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


def names(rng):
    """Unique labels in no order."""
    number = 0
    while True:
        word = "".join(rng.choices(SYLLABLES, k=rng.randint(2, 6)))
        yield f"{word}{number:x}"
        number += 1


def delegation(label, rng):
    """(RRsets, lines) of a delegation."""
    sets = 1
    if rng.random() < 0.2:
        lines = [f"{label} NS ns{i}.{label}" for i in (1, 2)]
        for host in (1, 2):
            lines.append(f"ns{host}.{label} A 192.0.{rng.randrange(256)}.{rng.randrange(1, 255)}")
            sets += 1
        if rng.random() < 0.5:
            lines.append(f"ns1.{label} AAAA 2001:db8::{rng.randrange(1, 65536):x}")
            sets += 1
    else:
        provider = rng.randrange(4000)
        lines = [f"{label} NS {host}.provider{provider}.example." for host in ("a", "b")]
    if rng.random() < 0.3:
        lines.append(f"{label} DS {rng.randrange(1, 65536)} 13 2 {rng.getrandbits(256):064X}")
        sets += 1
    return sets, lines


def host(label, rng):
    lines = [f"{label} A 192.0.2.{rng.randrange(1, 255)}"]
    if rng.random() < 0.5:
        lines.append(f'{label} TXT "contact {rng.getrandbits(48):012x}"')
    return len(lines), lines


def generate(rrsets, seed=1, serial=100):
    """The lines of the zone file."""
    rng = random.Random(f"{rrsets} {seed}")
    yield f"$ORIGIN {ORIGIN}"
    yield "$TTL 3600"
    yield f"@ SOA ns1.{ORIGIN} hostmaster.{ORIGIN} {serial} 3600 900 1209600 3600"
    yield from ("@ NS ns1", "@ NS ns2", "ns1 A 192.0.2.1", "ns2 A 192.0.2.2")
    count = 4
    for label in names(rng):
        if count >= rrsets:
            return
        sets, lines = (delegation if rng.random() < 0.9 else host)(label, rng)
        count += sets
        yield from lines


def text(rrsets, seed=1, serial=100):
    return "\n".join(generate(rrsets, seed, serial)) + "\n"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.stdout.write(text(*map(int, sys.argv[1:])))
