"""`./banyan trace names`: the contacts' numbers of an offline trace, written once officers of two agencies let them.

Each agency's word is a receipt of the log (tracing.vouch), verified here without a network: that the log holds it, that
it is of this very question, that order and word are not over, that two agencies and two officers said so, and that the
persons of this very list find it in their own lists of uses (trace_notice.py). Beside the list the use is noted too.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from banyan.craft.tracing.places import rounded
from banyan.errors import UNREADABLE, Denied, Invalid
from banyan.kernel.ledger.receipts import prove
from banyan.kernel.storage.durable import write_secret
from banyan.limits_tracing import TRACE_CLOCK_S, TRACE_LEAST, TRACE_VOUCH_S
from banyan.log_keys import log_keys, witness_keys
from banyan.service.tracing.vouching import ACT, Word
from banyan.trace_counting import Found, add_delivery_arguments, counted, listed_of, preset_of
from banyan.wire.tlog.note import NOTE_BYTES, Verifier

AGENCIES: Final = 2
clock = time.time


class Release(msgspec.Struct, frozen=True):
    """A word that holds, and where on which log it stands."""

    word: Word
    log: str
    index: int


def add_trace_names_parser(kinds: Any) -> None:
    """`./banyan trace names FILES… --cases FILE --release A --release B --keys log.vkeys --out FILE`."""
    names = kinds.add_parser("names", help="write the contacts' numbers, once officers of two agencies let them")
    add_delivery_arguments(names)
    names.add_argument(
        "--release", action="append", type=Path, default=[], metavar="FILE", help="an agency's receipt (tracing.vouch)"
    )
    add_log_arguments(names)
    names.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file, for its owner only")
    names.set_defaults(run=run)


def add_log_arguments(verb: argparse.ArgumentParser) -> None:
    """Whose word is believed."""
    verb.add_argument("--log", action="append", default=[], metavar="VKEY", help="a key of the log; each must sign")
    verb.add_argument("--keys", type=Path, default=None, metavar="FILE", help="a file of keys, one a line")
    verb.add_argument("--witness", action="append", default=[], metavar="VKEY", help="of a witness you trust")
    verb.add_argument("--quorum", type=int, default=0, help="how many witnesses must have cosigned")


def run(options: argparse.Namespace) -> int:
    """Raises Invalid or Denied, in one sentence, unless all holds; then nothing is written."""
    logs, witnesses = log_keys(options.log, options.keys), witness_keys(options.witness)
    used = options.out.with_name(options.out.name + ".use.json")
    for path in (options.out, used):
        if path.exists():
            raise Invalid(f"{path} is there already.", remedy="Name a new file: a list is never written over.")
    found = counted(options.files, options.cases, preset_of(options.preset))
    proof = {"logs": logs, "witnesses": witnesses, "quorum": options.quorum}
    releases = [read_release(path, **proof) for path in options.release]
    check(releases, options.release, found.question, now=clock())
    check_count(found)
    if listed_of(found).digest not in {one.word.noted for one in releases}:
        raise Denied(
            "Neither release says that the persons of this list find it in their own lists of uses.",
            remedy="./banyan trace notice seals the list; the second agency gives it to tracing.vouch with its word.",
        )
    write_secret(used, use_of(found, releases))
    write_secret(options.out, listed(found))
    sys.stdout.write(f"{len(found.contacts):,} numbers are in {options.out}, readable by you alone; the use: {used}\n")
    return 0


def check_count(found: Found) -> None:
    """Raises Denied for so few that case workers reach them one by one."""
    if rounded(len(found.contacts)) is None:
        raise Denied(
            f"Fewer than {TRACE_LEAST} contacts: no list is written.", remedy="Let case workers reach them one by one."
        )


def read_release(path: Path, *, logs: list[Verifier], witnesses: list[Verifier], quorum: int) -> Release:
    """Raises Invalid for a file that is no receipt of such a word, or that does not hold."""
    try:
        with path.open("rb") as file:
            data = file.read(NOTE_BYTES + 1)
    except OSError:
        raise Invalid(f"{path} cannot be read.", remedy="Name the receipts that tracing.vouch gave.") from None
    try:
        proven = prove(data, logs=logs, witnesses=witnesses, quorum=quorum)
    except ValueError as error:
        raise Invalid(
            f"{path} does not hold: {error}.", remedy="Let its agency fetch the receipt again: tracing.vouch."
        ) from error
    if proven.entry.get("kind") != ACT or not proven.record:
        raise Invalid(
            f"{path} is the receipt of another act.", remedy="Both agencies call tracing.vouch for this question."
        )
    try:
        word = msgspec.convert(proven.record, Word)
    except UNREADABLE as error:
        raise Invalid(f"{path} says nothing that can be read.", remedy="Ask tracing.vouch again.") from error
    if (word.agency, word.order) != (proven.entry.get("agency"), proven.entry.get("order")):
        raise Invalid(f"{path} says another agency or order than the log.", remedy="Ask tracing.vouch again.")
    return Release(word, proven.checkpoint.origin, proven.index)


def check(releases: list[Release], files: list[Path], question: str, *, now: float) -> None:
    """Raises Denied saying what is missing."""
    ask = f"An officer of each of two agencies calls tracing.vouch with the question {question}."
    if len(releases) != AGENCIES:
        raise Denied(f"Two releases are needed, of two agencies; {len(releases)} were given.", remedy=ask)
    for path, one in zip(files, releases, strict=True):
        if one.word.question != question:
            raise Denied(f"{path} releases another question: other files, cases or rule.", remedy=ask)
        if now >= one.word.until:
            raise Denied(
                f"The order {one.word.order} ended at {_moment(one.word.until)}.", remedy="Nothing is written."
            )
        if now >= one.word.at + TRACE_VOUCH_S:
            raise Denied(f"{path} is over: a release holds for a day.", remedy=ask)
        if one.word.at > now + TRACE_CLOCK_S:
            raise Denied(f"{path} is of {_moment(one.word.at)}, which is to come.", remedy="Set this machine's clock.")
    first, second = (one.word for one in releases)
    if first.agency == second.agency:
        raise Denied(f"Both releases are of {first.agency}.", remedy=ask)
    if first.officer == second.officer:
        raise Denied("Both releases are of the same person.", remedy=ask)
    if first.order != second.order or releases[0].log != releases[1].log:
        raise Denied("The releases are under two orders, or of two logs.", remedy=ask)


def listed(found: Found) -> bytes:
    """CSV by number: when each was near a case first and last, and in how many time buckets."""
    hits = found.hits
    starts = np.flatnonzero(np.r_[True, hits.phone[1:] != hits.phone[:-1]])
    ends = np.r_[starts[1:], len(hits)]
    rows = ["number,first,last,meetings"]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        number = int(found.numbers[hits.phone[start]])
        rows.append(f"+{number},{_moment(int(hits.at[start]))},{_moment(int(hits.at[end - 1]))},{end - start}")
    return ("\n".join(rows) + "\n").encode("ascii")


def use_of(found: Found, releases: list[Release]) -> bytes:
    """Who let it go and when, for whoever reviews it: no number."""
    told: dict[str, Any] = {
        "question": found.question,
        "written": _moment(clock()),
        "contacts": rounded(len(found.contacts)),
        "releases": [
            {"agency": one.word.agency, "officer": one.word.officer, "order": one.word.order,
             "at": _moment(one.word.at), "log": one.log, "entry": one.index}
            for one in releases
        ],
    }  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(told), indent=2)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
