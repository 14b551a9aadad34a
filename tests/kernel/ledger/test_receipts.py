"""Receipts as files: what `./banyan verify` accepts, and every lie it refuses."""

from __future__ import annotations

import asyncio
import base64
from argparse import Namespace
from pathlib import Path

import msgspec
import pytest
from tests.kernel.ledger.conftest import KEYS, OpenLedger
from tests.kernel.ledger.test_log import LOGS, NOW, a_record, subject

from banyan.errors import Invalid
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.receipts import Kept, prove, receipt_of
from banyan.verifying import run as verify
from banyan.wire.tlog.merkle import Unproven
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import parse_receipt


def made(open_ledger: OpenLedger) -> tuple[bytes, bytes]:
    """The receipts of a use and of a public act."""

    async def run() -> tuple[bytes, bytes]:
        ledger = open_ledger()
        used = await ledger.release(subject(1), a_record())
        act = await ledger.append(act_entry("order", id="o-1"))
        assert await receipt_of(ledger, act) is None
        await ledger.publish(NOW)
        one, two = await receipt_of(ledger, used.index, used), await receipt_of(ledger, act)
        assert one is not None
        assert two is not None
        return one, two

    return asyncio.run(run())


def options(path: Path, **values: object) -> Namespace:
    given = {"receipt": path, "history": None, "log": list(KEYS.vkeys), "keys": None, "witness": [], "quorum": 0}
    return Namespace(**{**given, "issuer": [], **values})


def test_the_verb_says_what_holds(open_ledger: OpenLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    use, act = made(open_ledger)
    path = tmp_path / "use.tlog-proof"
    path.write_bytes(use)
    assert verify(options(path)) == 0
    said = capsys.readouterr().out
    assert "成立 HOLDS" in said
    assert "傳染病防治法 s39" in said
    path.write_bytes(act)
    assert verify(options(path)) == 0
    assert "o-1" in capsys.readouterr().out
    path.write_bytes(use.replace(b"index 0", b"index 1"))
    assert verify(options(path)) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().err
    keys = tmp_path / "log.vkeys"
    keys.write_text("\n".join(KEYS.vkeys), encoding="utf-8")
    path.write_bytes(use)
    assert verify(options(path, log=[], keys=keys)) == 0
    for bad in ({"log": []}, {"log": ["x"]}, {"receipt": tmp_path / "none"}, {"keys": tmp_path / "none"}):
        with pytest.raises(Invalid):
            verify(options(path, **bad))


def test_another_record_another_entry_or_none(open_ledger: OpenLedger) -> None:
    use, act = made(open_ledger)
    assert prove(use, logs=LOGS).record["purpose"] == "012"
    receipt = parse_receipt(use)
    kept = msgspec.json.decode(receipt.extra, type=Kept)
    lies = (
        msgspec.structs.replace(kept, record=kept.record.replace(b"012", b"157")),
        msgspec.structs.replace(kept, salt=bytes(16)),
        msgspec.structs.replace(kept, entry=parse_receipt(act).extra),
        Kept(kept.entry),
    )
    for lie in lies:
        forged = msgspec.structs.replace(receipt, extra=msgspec.json.encode(lie)).encode()
        with pytest.raises((BadNote, Unproven)):
            prove(forged, logs=LOGS)
    with pytest.raises(ValueError, match="hold its entry"):
        prove(msgspec.structs.replace(receipt, extra=b"").encode(), logs=LOGS)
    with pytest.raises(ValueError, match="witnesses"):
        prove(use, logs=LOGS, quorum=1)
    assert base64.b64encode(receipt.extra) in use
