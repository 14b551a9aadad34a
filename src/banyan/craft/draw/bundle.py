"""What is published of a draw, and what one person keeps of it: enough to run it again without asking anybody.

`draw.json` is a Bundle; `ranks.csv` has a row for each ticket in the order drawn, and its tickets, sorted, are the list
whose root was in the ledger before the seed existed. `docs/verify-draw.py` checks both and knows nothing of Banyan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from banyan.craft.draw.lots import seed
from banyan.craft.draw.tickets import unpacked
from banyan.errors import UNREADABLE
from banyan.wire.tlog.merkle import Unproven, check_inclusion, leaf_hash

HEADINGS: Final = "rank,ticket,stratum,people,lots,won\n"
ROWS_AT_ONCE: Final = 10_000
"""About 800 KB."""


class Bundle(msgspec.Struct, frozen=True, omit_defaults=True):
    """`commit` and `close` are the ledger's entries as logged, with their receipts; `signature` is of the round named
    in `commit`, or `numbers` were drawn by the source named there. Hashes are in hexadecimal; `order_root` is over the
    entries in the order drawn."""

    draw: str
    commit: str
    close: str
    nonces: tuple[str, ...]
    seed: str
    winners: int
    left: int
    order_root: str
    ranks_sha256: str
    signature: str = ""
    numbers: str = ""
    commit_receipt: str = ""
    close_receipt: str = ""


class DrawReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One ticket's own: `entry` stood at `index` of the `count` of the list under `root`, by `path`. Once it is drawn:
    its `rank` from 1, by `order_path` under `order_root`, and what the seed was made of."""

    draw: str
    entry: str
    index: int
    count: int
    root: str
    path: tuple[str, ...]
    rank: int = 0
    won: bool = False
    seed: str = ""
    randomness: str = ""
    nonces: tuple[str, ...] = ()
    order_root: str = ""
    order_path: tuple[str, ...] = ()


class BadReceipt(ValueError):
    """A receipt that does not hold; the text says what."""


def csv_of(drawn: Sequence[bytes], won: bytes) -> Iterator[bytes]:
    """`ranks.csv` in pieces. 1 us a row."""
    yield HEADINGS.encode()
    for start in range(0, len(drawn), ROWS_AT_ONCE):
        some = enumerate(drawn[start : start + ROWS_AT_ONCE], start)
        yield "".join([_row(at, entry, won[at]) for at, entry in some]).encode()


def check_receipt(receipt: DrawReceipt) -> None:
    """Raise BadReceipt unless a receipt holds in itself; that its roots are the ledger's is for its reader to see."""
    try:
        entry = bytes.fromhex(receipt.entry)
        unpacked(entry)
        root, leaf = bytes.fromhex(receipt.root), leaf_hash(entry)
        check_inclusion(receipt.index, receipt.count, leaf, _hashes(receipt.path), root)
        if not receipt.rank:
            return
        made = seed(root, bytes.fromhex(receipt.randomness), b"".join(_hashes(receipt.nonces)))
        if made.hex() != receipt.seed:
            raise BadReceipt("the seed is not that of root, randomness and nonce")
        path = _hashes(receipt.order_path)
        check_inclusion(receipt.rank - 1, receipt.count, leaf, path, bytes.fromhex(receipt.order_root))
    except (Unproven, ValueError, AssertionError) as error:
        raise BadReceipt(str(error)) from error


def read_receipt(data: bytes) -> DrawReceipt:
    """Raises BadReceipt for what is none."""
    try:
        return msgspec.json.decode(data, type=DrawReceipt)
    except UNREADABLE as error:
        raise BadReceipt("this is no receipt of a draw") from error


def act_of(entry: str) -> dict[str, Any]:
    """The fields of a ledger's entry as a bundle keeps it."""
    return msgspec.json.decode(entry, type=dict[str, Any])


def hash_of(parts: Iterator[bytes]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _row(at: int, entry: bytes, won: int) -> str:
    if len(entry) == 32:
        return f"{at + 1},{entry.hex()},0,1,1,{won}\n"
    one = unpacked(entry)
    return f"{at + 1},{one.ticket.hex()},{one.stratum},{one.people},{one.lots},{won}\n"


def _hashes(some: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in some]
