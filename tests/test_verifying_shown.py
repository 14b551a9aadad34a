"""`./banyan verify` for credentials and downloads: what holds, and one turned bit of each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.service.credentials.house import ORIGIN, WANG, House, fetched, in_a_house
from tests.service.credentials.test_taking import taken

from banyan.cli import main
from banyan.wire.sdjwt.credential import disclosed, parse, show, unverified
from banyan.wire.sdjwt.statustoken import place_of


def verified(capsys: Any, path: Path, folder: Path, *more: str) -> tuple[int, str]:
    code = main(["verify", str(path), "--issuer", str(folder / "issuer.json"), *more])
    said = capsys.readouterr()
    return code, said.out + said.err


def turned(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def told(tmp_path: Path, story: Any) -> None:
    async def run(house: House) -> None:
        (tmp_path / "issuer.json").write_bytes((await house.client.get("/.well-known/jwt-vc-issuer")).body)
        await story(house)

    in_a_house(run)


def test_a_shown_credential(tmp_path: Path, capsys: Any) -> None:
    async def story(house: House) -> None:
        wallet, (first, *_) = await fetched(house)
        now = int(house.now[0])
        shown = show(first, disclosed("county"), holder=wallet.keys[0], audience="shop", nonce="n", now=now)
        path, at = tmp_path / "shown.txt", ("--at", "2026-11-23T13:00:00Z")
        path.write_text(shown + "\n", encoding="ascii")
        assert verified(capsys, path, tmp_path, *at)[0] == 0
        place = place_of(unverified(parse(first).jwt)[1])
        assert place is not None
        for name in ("good", "revoked"):
            answer = await house.client.get(place.uri.removeprefix(ORIGIN))
            (tmp_path / name).write_bytes(answer.body)
            if name == "good":
                (batch,) = (await house.call("credentials.mine", house.citizen(WANG))).batches
                await house.call("credentials.revoke", house.citizen(WANG), batch=batch.id)
        code, said = verified(capsys, path, tmp_path, *at, "--status", str(tmp_path / "good"))
        assert code == 0
        assert "county: 花蓮縣" in said
        assert "shown to shop at 2026-11-23T13:00:00" in said
        assert "not revoked, by the list of" in said
        assert "王小榕" not in said
        assert verified(capsys, path, tmp_path, *at, "--status", str(tmp_path / "revoked"))[0] == 1
        assert verified(capsys, path, tmp_path, *at, "--audience", "bank")[0] == 1
        assert verified(capsys, path, tmp_path)[0] == 1, "not of now"
        for place_in in (5, len(shown) // 2, len(shown) - 3):
            path.write_bytes(turned(shown.encode(), place_in))
            assert verified(capsys, path, tmp_path, *at)[0] == 1

    told(tmp_path, story)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_download(tmp_path: Path, capsys: Any, form: str) -> None:
    async def story(house: House) -> None:
        answer = await taken(house, form)
        path = tmp_path / "taken"
        path.write_bytes(answer.body)
        code, said = verified(capsys, path, tmp_path)
        assert code == 0, said
        assert "hukou.household" in said
        path.write_bytes(spoiled(answer.body, form))
        assert verified(capsys, path, tmp_path)[0] == 1

    told(tmp_path, story)


def spoiled(data: bytes, form: str) -> bytes:
    """The same with another name in it."""
    if form == "json":
        return data.replace("王小榕".encode(), "王大榕".encode())
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(made, "w") as other:
        for name in packed.namelist():
            other.writestr(name, packed.read(name).replace("王小榕".encode(), "王大榕".encode()))
    return made.getvalue()


def test_what_is_neither_is_refused(tmp_path: Path, capsys: Any) -> None:
    async def story(house: House) -> None:
        path = tmp_path / "other"
        for data in (b"", b"{", b"[]", b'{"jws": 1}', b'{"jws": "a.b.c"}', b"\xff\xfe", b"PK\x05\x06" + bytes(18)):
            path.write_bytes(data)
            assert verified(capsys, path, tmp_path)[0] == 1, data
        assert verified(capsys, tmp_path / "missing", tmp_path)[0] == 2
        (tmp_path / "issuer.json").write_bytes(b"{}")
        assert verified(capsys, path, tmp_path)[0] == 2

    told(tmp_path, story)
