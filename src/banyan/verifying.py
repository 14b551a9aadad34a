"""`./banyan verify FILE`: check a receipt of the log, a credential, a signed download or a message of the road without
asking anybody. Exit 0: it holds; 1: it does not."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from banyan.errors import Invalid
from banyan.log_keys import KEYS_FILE, log_keys, witness_keys
from banyan.verifying_messages import add_message_arguments, is_message, run_messages
from banyan.verifying_shown import add_shown_arguments, run_shown
from banyan.wire.tlog.note import NOTE_BYTES

HISTORY_BYTES = 32 * 1_048_576
"""Of a list of uses: 10,000 are about 10 MB."""
WORDS = {
    "release": ("個人資料的一次使用", "a use of personal data"),
    "order": ("一道命令", "an order"),
    "deletion": ("一次刪除", "a deletion"),
    "subjects": ("全體當事人索引", "the map of subjects"),
    "opt-out": ("一次停止或恢復目的外利用", "a word on secondary use"),
    "consent": ("一項同意的狀態", "how a consent stood"),
    "review": ("一次事後審查", "a review of an emergency use"),
    "basis": ("一項法律依據的登記", "a legal basis registered"),
    "purpose": ("一個使用目的結束", "a purpose closed"),
    "cap": ("一項公平使用上限", "a fair-use cap"),
    "exchange": ("機關間的一次交換", "an exchange between agencies"),
    "gateway": ("一部閘道為哪些機關記錄", "whose exchanges a gateway logs"),
    "trace-names": ("一個機關同意寫出接觸者號碼", "an agency's word that contacts' numbers may be written"),
}


def add_verify_parser(verbs: Any) -> None:
    verify = verbs.add_parser("verify", help="check a receipt of the transparency log, offline")
    verify.add_argument("receipt", type=Path, help="a .tlog-proof file")
    verify.add_argument(
        "--log", action="append", default=[], metavar="VKEY", help="a key of the log; every one must sign"
    )
    verify.add_argument(
        "--keys", type=Path, default=None, metavar="FILE", help=f"a file of keys, one a line ({KEYS_FILE})"
    )
    verify.add_argument("--witness", action="append", default=[], metavar="VKEY", help="the key of a witness you trust")
    verify.add_argument("--quorum", type=int, default=0, help="how many witnesses must have cosigned")
    verify.add_argument("--history", action="store_true", help="the file is a whole list of uses from /mydata/history")
    verify.add_argument(
        "--signer", action="append", default=[], metavar="KEYID=FILE",
        help="of an exchange between agencies: a member's public key (PEM), to check its messages' signatures",
    )  # fmt: skip
    add_message_arguments(verify)
    add_shown_arguments(verify)
    verify.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what the receipt proves. Raises Invalid for keys or files that cannot be read."""
    if options.issuer:
        return run_shown(options)
    from banyan.kernel.ledger.histories import prove_history
    from banyan.kernel.ledger.receipts import prove

    logs = log_keys(options.log, options.keys)
    if is_message(options.receipt):
        return run_messages(options, logs, witness_keys(options.witness))
    try:
        with options.receipt.open("rb") as file:
            data = file.read(HISTORY_BYTES if options.history else NOTE_BYTES + 1)
    except OSError as error:
        raise Invalid.at("receipt", f"{options.receipt} cannot be read") from error
    try:
        witnesses = witness_keys(options.witness)
        if options.history:
            _say_whole(prove_history(data, logs=logs, witnesses=witnesses, quorum=options.quorum))
            return 0
        proven = prove(data, logs=logs, witnesses=witnesses, quorum=options.quorum)
        told = _exchange(proven, options)
    except ValueError as error:
        print(f"不成立 DOES NOT HOLD: {error}", file=sys.stderr)  # noqa: T201 - this verb's answer
        return 1
    _say(proven, told)
    return 0


def _exchange(proven: Any, options: argparse.Namespace) -> list[str] | None:
    """What to say of an exchange between agencies; None for another entry."""
    if proven.entry.get("kind") != "exchange" or not proven.record:
        return None
    from banyan.verifying_exchange import exchange_lines

    return exchange_lines(proven.record, options.signer)


def _say(proven: Any, told: list[str] | None = None) -> None:
    """`told`: what to say of the record; None: name it as it is."""
    kind = str(proven.entry.get("kind", ""))
    zh, en = WORDS.get(kind, (kind, kind))
    lines = [
        f"成立 HOLDS: {zh} / {en}",
        f"  log {proven.checkpoint.origin}, entry {proven.index} of {proven.checkpoint.size}",
    ]
    lines += told or []
    for name, value in {} if told else (proven.record or proven.entry).items():
        shown = (
            datetime.fromtimestamp(value, UTC).isoformat() if name == "at" and isinstance(value, int | float) else value
        )
        lines.append(f"  {name}: {shown}")
    print("\n".join(lines))  # noqa: T201 - this verb's answer


def _say_whole(proven: Any) -> None:
    told = len(proven.records)
    lines = [
        f"成立 HOLDS: {told + proven.deferred} 次使用，沒有遺漏 / uses, none left out",
        f"  log {proven.checkpoint.origin}, entries 0 to {proven.covers - 1} of {proven.checkpoint.size}",
        f"  told: {told}, told later: {proven.deferred}, newer than the proof: {proven.newer}",
    ]
    print("\n".join(lines))  # noqa: T201 - this verb's answer
