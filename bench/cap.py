"""Alerts read and judged a second, beside lxml with the OASIS schema compiled once, and capvalidator when installed.

    ./banyan bench cap [--quick] [--json]

The documents are the real CAP 1.2 alerts of ../shared/data/alerts that the schema accepts. Every round takes each way
in turn over all of them; the figures are medians of CPU time a round (one thread, so other jobs on the machine change
them less than the wall). Ours reads, checks structure and prose, and gives the alert as structs; the schema says yes or
no; capvalidator compiles its schema for every alert. `verify` is ours over the signed ones, against a pinned register.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import statistics
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src")]

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from lxml import etree  # noqa: E402

from banyan.wire.cap import register, signing  # noqa: E402
from banyan.wire.cap.reading import judge  # noqa: E402
from banyan.wire.cap.writing import write  # noqa: E402

DATA = Path(os.environ.get("BANYAN_SHARED_DATA") or ROOT.parent / "shared/data") / "alerts"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ckan", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"cap: {DATA} is missing: the real alerts are what is measured", file=sys.stderr)
        return 2
    files = [path.read_bytes() for path in sorted([*DATA.glob("cap/*"), *DATA.glob("signed/*.xml")])]
    documents = [body for body in files if (found := judge(body)).verdict.version == "1.2" and found.alert is not None]
    alerts = [alert for body in documents if (alert := judge(body).alert) is not None]
    signed = [(DATA / f"signed/wmo_{country}_valid.xml").read_bytes() for country in ("sc", "tg")]
    ways = ways_of(documents, signed)
    ways["ours: write"] = (lambda: [write(alert) for alert in alerts], len(alerts))
    rounds = 5 if options.quick else 25
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, _count) in ways.items():
            begun = time.process_time()
            way()
            spent[name].append(time.process_time() - begun)
    rates = {name: ways[name][1] / statistics.median(seconds) for name, seconds in spent.items()}
    size = sum(map(len, documents)) // len(documents)
    print(f"{len(documents)} alerts of {size} octets on average, {rounds} rounds, medians")
    for name, rate in rates.items():
        print(f"  {name:42} {rate:>9,.0f} a second  {1e6 / rate:>8,.0f} us CPU each")
    if options.json:
        print(json.dumps({"alerts": len(documents), "octets": size, "a_second": rates}))
    return 0


def ways_of(documents: list[bytes], signed: list[bytes]) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured by name, with how many alerts one turn takes."""
    schema = etree.XMLSchema(etree.parse(DATA / "xsd/CAP-v1.2.xsd"))

    def by_schema() -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        for body in documents:
            if not schema.validate(etree.fromstring(body, parser)):
                raise SystemExit("the schema refuses what we accept")

    def by_us() -> None:
        for body in documents:
            judge(body)

    pinned = register.Register(tuple(_pinned(body) for body in signed))

    def verified() -> None:
        for body in signed:
            if not signing.verify(body, pinned)[0].is_good:
                raise SystemExit("a good signature was refused")

    ways: dict[str, tuple[Callable[[], object], int]] = {
        "ours: read, structure and prose": (by_us, len(documents)),
        "lxml, OASIS schema compiled once": (by_schema, len(documents)),
        "ours: verify a signature": (verified, len(signed)),
    }
    if importlib.util.find_spec("capvalidator") is not None:
        from capvalidator.validate import Validator

        ways["capvalidator, schema only"] = (
            lambda: [Validator(body).schema() for body in documents],
            len(documents),
        )
    return ways


def _pinned(body: bytes) -> register.Sender:
    shown = re.search(rb"X509Certificate>([^<]+)<", body)
    sender = re.search(rb"<sender>([^<]+)<", body)
    assert shown is not None
    assert sender is not None
    pem = x509.load_der_x509_certificate(b64decode(shown[1])).public_bytes(Encoding.PEM)
    return register.pin(sender[1].decode(), pem, since=datetime(2024, 5, 1, tzinfo=UTC))


if __name__ == "__main__":
    sys.exit(main())
