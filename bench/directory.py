"""The directory at a nation's size: how long a gateway needs to take a snapshot, to start with it, and for a look-up.

    ./banyan bench directory [--quick] [--json]

10, 1,000 and 10,000 members (--quick: 10 and 1,000), each with a P-256 key, a gateway with two addresses and two
certificates, and two subsystems of three services. CPU of the whole process; files on the disk of the temporary folder.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from banyan.kernel.events.clock import EpochS, system_clock  # noqa: E402
from banyan.kernel.exchange.directory import document  # noqa: E402
from banyan.kernel.exchange.directory.authority import found  # noqa: E402
from banyan.kernel.exchange.directory.document import (  # noqa: E402
    Address,
    Certificate,
    Gateway,
    Key,
    Member,
    Name,
    Service,
    Snapshot,
    Subsystem,
    key_name,
)
from banyan.kernel.exchange.directory.keeper import Keeper  # noqa: E402
from banyan.kernel.exchange.directory.keyfiles import FileSigner, public_der  # noqa: E402
from banyan.kernel.exchange.directory.trust import Anchor  # noqa: E402
from banyan.wire.xroad.access import Endpoint  # noqa: E402
from banyan.wire.xroad.identifiers import ClientId, ServerId  # noqa: E402

T = TypeVar("T")
LOOKS: Final = 100_000
YEAR: Final = 365 * 86_400
TARGET_TAKE_S: Final = 3.0
"""CPU to take 10,000 members: a change a minute leaves the rest of a core to calls."""
FLAT: Final = 2.0
"""A look-up at the largest size over one at the smallest that still counts as O(1); caches of the CPU differ."""


def a_member(number: int, until: int) -> Member:
    key = Key(public_der(ec.derive_private_key(number + 1, ec.SECP256R1())), 0, until)
    addresses = (Address(f"a{number}.example", 5500), Address(f"b{number}.example", 5500))
    certificates = tuple(Certificate(secrets.token_bytes(32), 0, until) for _ in range(2))
    services = tuple(
        Service(f"service{place}", "OPENAPI", (Endpoint("GET", "/a/*"), Endpoint("POST", "/b"))) for place in range(3)
    )
    subsystems = tuple(Subsystem(f"sub{place}", Name("子系統", "A subsystem"), services) for place in range(2))
    gateways = (Gateway("gw", addresses, certificates),)
    return Member("GOV", f"M{number}", Name("機關名稱", "An agency"), 0, (key,), subsystems, gateways)


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def looked_up(keeper: Keeper, snapshot: Snapshot) -> dict[str, float]:
    """Microseconds of each look-up, of members drawn at random."""
    standing = keeper.standing
    drawn = [snapshot.members[secrets.randbelow(len(snapshot.members))] for _ in range(200)]
    owners = [ClientId("TW", "GOV", one.code) for one in drawn]
    clients = [ClientId("TW", "GOV", one.code, "sub1") for one in drawn]
    servers = [ServerId("TW", "GOV", one.code, "gw") for one in drawn]
    names = [key_name(owner, one.keys[0].public) for owner, one in zip(owners, drawn, strict=True)]
    shown = [one.gateways[0].certificates[1].sha256 for one in drawn]
    looks: dict[str, Callable[[], list[object]]] = {
        "is_known": lambda: [standing.is_known(one) for one in clients],
        "routes": lambda: [standing.routes(one) for one in clients],
        "keys": lambda: [standing.keys(one) for one in names],
        "server_of": lambda: [standing.server_of(one) for one in shown],
        "serves": lambda: [standing.serves(*both) for both in zip(servers, owners, strict=True)],
    }
    found = {}
    for name, look in looks.items():
        assert all(look()), f"{name} finds who is there"
        spent, _ = cpu(lambda look=look: [look() for _ in range(LOOKS // 200)])
        found[name] = spent / LOOKS * 1e6
    return found


def measured(size: int, folder: Path) -> dict[str, float]:
    until = int(system_clock()) + YEAR
    signer = FileSigner("TW", 1, ed25519=secrets.token_bytes(32), ml_dsa_44=secrets.token_bytes(32))
    anchor = Anchor("TW", signer.keys)
    snapshot = Snapshot("TW", 1, 0, tuple(a_member(number, until) for number in range(size)))
    centre = Keeper(folder / "centre", anchor, clock=system_clock)
    founding, authority = cpu(lambda: found(centre, signer, clock=system_clock, first=snapshot))
    offer = centre.offer()
    keeper = Keeper(folder / "gateway", anchor, clock=system_clock)
    taking, _ = cpu(lambda: keeper.take(offer))
    starting, _ = cpu(lambda: Keeper(folder / "gateway", anchor, clock=system_clock))
    reading, _ = cpu(lambda: document.decode(offer.snapshot))
    changing, _ = cpu(lambda: authority.change(lambda one: one))
    before = looked_up(keeper, snapshot)
    note = authority.revoke("member", "TW/GOV/NOBODY")
    revoking, _ = cpu(lambda: keeper.take_revocations([note]))
    assert keeper.standing.freshness(EpochS(system_clock())) == "fresh", "it is new"
    return {
        "members": size,
        "document_mb": len(offer.snapshot) / 1e6,
        "found_s": founding,
        "change_s": changing,
        "take_s": taking,
        "of_that_reading_s": reading,
        "start_s": starting,
        "revoke_ms": revoking * 1e3,
        **{f"{name}_us": spent for name, spent in before.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for size in (10, 1_000) if options.quick else (10, 1_000, 10_000):
        with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
            rows.append(measured(size, Path(folder)))
        print("  ".join(f"{name} {value:,.3g}" for name, value in rows[-1].items()))
    last, first = rows[-1], rows[0]
    looks = [name for name in last if name.endswith("_us")]
    growth = max(last[name] / first[name] for name in looks)
    is_met = last["take_s"] <= TARGET_TAKE_S and growth <= FLAT
    print(f"take {last['take_s']:.2f} s of CPU (target {TARGET_TAKE_S}); look-ups grow {growth:.2f}x (flat: {FLAT})")
    if options.json:
        print(json.dumps({"name": "directory", "rows": rows, "growth": growth, "is_met": is_met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
