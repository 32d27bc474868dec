"""`make fuzz`: spoilt requests and mails for FUZZ_S seconds (60), guided by coverage where atheris is installed.

Stops by itself. Ends with an error at the first exception that no adapter declares, and prints the bytes that made it.
"""

from __future__ import annotations

import os
import random
import sys
import time

from channels.errors import BadPayload, BadSignature
from tests.contract.samples import NOW, SAMPLES, Sample

FOR_S = int(os.environ.get("FUZZ_S", "60"))
KINDS = sorted(SAMPLES)
SLOW_S = 2.0  # no request may take longer, whatever it holds


def main() -> None:
    """Run one of the two, and say which."""
    try:
        import atheris  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print(f"atheris is not installed: {FOR_S} s of blind mutations instead (pip install atheris for guided ones).")
        _blindly()
        return
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={FOR_S}", f"-timeout={int(SLOW_S * 5)}"], _guided)
    atheris.Fuzz()


def _guided(data: bytes) -> None:
    """The first byte chooses the adapter; the rest is the body, as its provider would have signed it."""
    if data:
        _read(SAMPLES[KINDS[data[0] % len(KINDS)]], data[1:])


def _blindly() -> None:
    seed = random.randrange(1 << 32)
    chance, done, until = random.Random(seed), 0, time.monotonic() + FOR_S
    print(f"seed {seed}")
    while time.monotonic() < until:
        sample = SAMPLES[chance.choice(KINDS)]
        _read(sample, _spoilt(sample.body, chance))
        done += 1
    print(f"{done:,} bodies read or refused")


def _spoilt(body: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(spoilt))
        end = min(len(spoilt), at + chance.randint(0, 32))
        spoilt[at:end] = chance.choice((b"", bytes(spoilt[at:end]) * chance.randint(2, 50), chance.randbytes(chance.randint(1, 8))))
    return bytes(spoilt)


def _read(sample: Sample, body: bytes) -> None:
    began = time.monotonic()
    try:
        request = sample.request(body)
        sample.adapter.verify(request, sample.account, NOW)
        sample.adapter.parse(request, sample.account)
    except (BadPayload, BadSignature):
        pass
    except Exception:
        print(f"{sample.adapter.kind}: {body!r}", file=sys.stderr)
        raise
    if (took := time.monotonic() - began) > SLOW_S:
        sys.exit(f"{sample.adapter.kind}: {took:.1f} s for {body!r}")


if __name__ == "__main__":
    main()
