"""The whole list as a file: it holds offline with a deferred use in it, and fails when one is left out or changed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.kernel.policy.test_judging import NOW
from tests.service.mydata.house import LEE, House, in_a_house

from banyan.cli import main
from banyan.kernel.ledger.histories import HistoryFile, ListedUse, prove_history
from banyan.wire.tlog.checkpoint import verifier_of


def test_the_verb_says_that_none_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(house: House) -> None:
        assert (await house.client.get("/mydata/history", token="wang")).status == 404, "no checkpoint yet"
        await house.use()
        await house.use(reveal_after=NOW + 9, receiver="TW/GOV/POLICE")
        await house.use(LEE)
        await house.publish()
        await house.use(at=NOW + 1)
        answer = await house.client.get("/mydata/history", token="wang")
        assert answer.status == 200
        assert "POLICE" not in answer.text
        assert (await house.client.get("/mydata/history", token="bank")).status == 403
        (tmp_path / "file").write_bytes(answer.body)
        (tmp_path / "keys").write_text("\n".join(house.node.lawful.keys.vkeys), encoding="utf-8")
        keys = [verifier_of(key) for key in house.node.lawful.keys.vkeys]
        proven = prove_history(answer.body, logs=keys)
        assert (len(proven.records), proven.deferred, proven.newer) == (2, 1, 1)
        file = msgspec.json.decode(answer.body, type=HistoryFile)
        first, second, newer = file.uses
        forged = msgspec.structs.replace(first, record=first.record.replace(b"income", b"incxme"))
        for uses in (
            (first, newer),
            (second, first, newer),
            (forged, second, newer),
            (ListedUse(0, bytes(32)), second),
        ):
            wrong = msgspec.json.encode(msgspec.structs.replace(file, uses=uses))
            with pytest.raises(ValueError, match=r"missing|committed"):
                prove_history(wrong, logs=keys)
        with pytest.raises(ValueError, match="another map"):
            prove_history(msgspec.json.encode(msgspec.structs.replace(file, covers=1)), logs=keys)
        with pytest.raises(ValueError, match="no history"):
            prove_history(b"{}", logs=keys)

    in_a_house(story)
    assert main(["verify", "--history", str(tmp_path / "file"), "--keys", str(tmp_path / "keys")]) == 0
    said = capsys.readouterr().out
    assert "HOLDS: 3" in said
    assert "told: 2, told later: 1, newer than the proof: 1" in said
