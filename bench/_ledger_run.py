"""Run by bench/ledger.py, each in a process of its own so that its memory is its own.

    _ledger_run.py ours|pymerkle COUNT FOLDER     (pymerkle in .venv-proof)

Appends COUNT entries of a use (the same bytes for both), then makes and checks proofs at random places. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

PROOFS: Final = 2_000
CALLERS: Final = 64
BATCH: Final = 1_000
"""Entries of ours written in one transaction; pymerkle commits 100,000 at once."""


def entry(number: int) -> bytes:
    """As `release_entry` writes one: basis, receiver, commitment."""
    commitment = sha256(b"%d" % number).hexdigest()
    # Put together, for writing JSON would be a third of what is measured.
    told = f'"basis":"CDC-39-flag@0123456789abcdef","commitment":"{commitment}","kind":"release"'
    return f'{{{told},"receiver":"TW/MED/H{number % 500}","v":1}}'.encode()


def each_us(places: list[int], work: Callable[[int], object]) -> float:
    """CPU microseconds of one."""
    started = time.process_time()
    for place in places:
        work(place)
    return (time.process_time() - started) / len(places) * 1e6


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pymerkle(count: int, folder: Path, places: list[int]) -> dict[str, Any]:
    """Its SQLite tree, filled by its bulk append."""
    from pymerkle import SqliteTree, verify_inclusion

    with SqliteTree(str(folder / "tree.db")) as tree:
        started, cpu = time.perf_counter(), time.process_time()
        tree.append_entries((entry(number) for number in range(count)), chunksize=100_000)
        appended = time.perf_counter() - started
        root = tree.get_state()
        rooted, cpu = time.perf_counter() - started, time.process_time() - cpu
        proofs = {place: tree.prove_inclusion(place + 1) for place in places[:20]}
        prove = each_us(places[: PROOFS // 10], lambda place: tree.prove_inclusion(place + 1))
        leaves = {place: tree.get_leaf(place + 1) for place in proofs}
        check = each_us(list(proofs) * 20, lambda place: verify_inclusion(leaves[place], root, proofs[place]))
    return {"append s": appended, "append and root s": rooted, "append and root CPU s": cpu,
            "bytes": bytes_in(folder), "prove us": prove,
            "verify us": check, "root": root.hex()}  # fmt: skip


def ours(count: int, folder: Path, places: list[int]) -> dict[str, Any]:
    return asyncio.run(our_log(count, folder, places))


async def our_log(count: int, folder: Path, places: list[int]) -> dict[str, Any]:
    """The ledger: durable in its records, then in tiles, then signed; and a second one for releases."""
    from banyan.kernel.ledger.entries import ReleaseRecord
    from banyan.kernel.ledger.keys import LedgerKeys
    from banyan.kernel.ledger.log import Ledger, append_all, verify_history
    from banyan.kernel.storage.migrations import load_steps, migrate
    from banyan.kernel.storage.sqlite import SqliteStore
    from banyan.wire.tlog.checkpoint import verifier_of
    from banyan.wire.tlog.merkle import check_inclusion, inclusion_proof, leaf_hash
    from banyan.wire.tlog.proof import verify_receipt

    keys = LedgerKeys("bench.example/log", ed25519=bytes(32), ml_dsa_44=bytes(32), witness=bytes(32))
    store = SqliteStore(folder / "records.db")
    migrate(store, "banyan.kernel.ledger", load_steps("banyan.kernel.ledger"), at=0.0)
    numbers: Iterator[int] = iter(range(10**9))
    ledger = Ledger(store, folder / "log", keys, random=lambda size: sha256(b"%d" % next(numbers)).digest()[:size])

    def batch(tx: Any, start: int) -> None:
        append_all(tx, [entry(number) for number in range(start, min(start + BATCH, count))])

    started, used = time.perf_counter(), time.process_time()
    for start in range(0, count, BATCH):
        await store.write(lambda tx, first=start: batch(tx, first))
    durable = time.perf_counter() - started
    checkpoint = await ledger.publish(1_600_000_000)
    assert checkpoint is not None
    assert checkpoint.size == count
    signed, used = time.perf_counter() - started, time.process_time() - used
    tree, size, root = await ledger.tree(), checkpoint.size, checkpoint.root
    tiles = bytes_in(folder / "log")
    prove = each_us(places, lambda place: inclusion_proof(place, size, tree.subtree))
    proofs = {place: inclusion_proof(place, size, tree.subtree) for place in places[:200]}
    check = each_us(
        list(proofs), lambda place: check_inclusion(place, size, leaf_hash(entry(place)), proofs[place], root)
    )
    receipts = {place: await ledger.receipt(place) for place in places[:200]}
    logs = [verifier_of(vkey) for vkey in keys.vkeys]
    receipt_us = each_us(
        list(receipts), lambda place: verify_receipt(receipts[place], entry(place), logs=logs, witnesses=[], quorum=0)
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def a_use(number: int) -> ReleaseRecord:
        title = {"zh-Hant": "旅遊史", "en": "Travel"}
        return ReleaseRecord(
            1.6e9, "travel.flag", title, f"TW/MED/H{number % 500}", "醫院", "his", "CDC-39", "s39", "012", ("flag",)
        )

    each, people = 150, [sha256(b"person %d" % number).digest() for number in range(10_000)]
    dice = random.Random(5)

    async def caller() -> None:
        for number in range(each):
            await ledger.release(dice.choice(people), a_use(number))

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    began = time.process_time()
    await ledger.publish(1_600_000_001)
    published = time.process_time() - began
    began = time.process_time()
    history = await ledger.history(people[0], most=1_000)
    told = (time.process_time() - began) * 1e6
    checked = each_us([0] * 50, lambda _: verify_history(history, people[0]))
    store.shut()
    done = each * CALLERS
    return {
        "durable s": durable, "append and root s": signed, "append and root CPU s": used, "bytes": tiles,
        "prove us": prove, "verify us": check,
        "receipt verify us (2 signatures, path)": receipt_us, "root": root.hex(),
        "memory MB before releases": memory,
        "releases/s durable, 64 callers": done / wall, "release CPU us": cpu / done * 1e6,
        f"publish CPU s of {done} releases (map of 10,000 people)": published,
        "history us (list and proof of completeness)": told, "history verify us": checked,
        "map siblings": len(history.proof.siblings), "records bytes": bytes_in(folder) - bytes_in(folder / "log"),
    }  # fmt: skip


def main() -> None:
    who, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True)
    dice = random.Random(4)
    places = [dice.randrange(count) for _ in range(PROOFS)]
    told = {"ours": ours, "pymerkle": pymerkle}[who](count, folder, places)
    told["memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    if "ours" in sys.argv:
        root = Path(__file__).parents[1]
        sys.path[:0] = [str(root), str(root / "src")]
    main()
