"""`./banyan incident casualties`: lists in Big5 or UTF-8, in one command, again and again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from banyan.errors import Conflict, Invalid
from banyan.incident import SERVICE, drill, drill_size, fill, parts_of, text_of
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.node import open_node
from banyan.settings import STANDARD_SERVICES, Settings

LIST = (
    "姓名,性別,生日,身分證字號,狀況,醫院\n王曉明,男,79/3/12,A123456789,急診,馬偕\n"
    "陳美玉,女,1985-01-02,,加護病房,臺大\n,,,,飛走,\n"
)


def test_lists_are_answered_from_and_the_law_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(LIST.encode("cp950"))

    async def run() -> None:
        powers = tuple(one for one in STANDARD_SERVICES if ".powers." in one)
        async with open_node(tmp_path / "node", Settings(services=(*powers, SERVICE))) as node:
            for _ in range(2):
                await fill(node, parts=parts_of(text_of(path)), hospital="", staff=["TW/GOV/MOHW"])
            asked = {"name": "王晓明", "secret": "6789"}
            found = await node.gate.call("casualties.look_up", asked, caller=ANONYMOUS)
            assert (found.name, found.hospital) == ("王○明", "馬偕")
            bases = await node.lawful.conscience.bases()
            assert {"casualty-family", "casualty-staff"} <= bases.by_id.keys()

    asyncio.run(run())
    said = capsys.readouterr().err
    assert "2 " in said
    assert "4:name" in said
    assert "王" not in said


def test_a_long_list_goes_in_parts_each_with_the_heading() -> None:
    parts = parts_of("姓名\n" + "\n".join(f"王{at}" for at in range(1_200)))
    assert [len(part.splitlines()) for part in parts] == [500, 500, 203]
    assert all(part.startswith("姓名\n") for part in parts)


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        text_of(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(Invalid):
        text_of(tmp_path / "b.csv")


def test_a_drill_fills_the_register_once_and_no_real_list_comes_beside_it(tmp_path: Path) -> None:
    async def run() -> None:
        powers = tuple(one for one in STANDARD_SERVICES if ".powers." in one)
        async with open_node(tmp_path / "node", Settings(services=(*powers, SERVICE))) as node:
            for _ in range(2):
                await drill(node, persons=40, staff=["TW/GOV/MOHW"])
            found = await node.gate.call("casualties.incident", {}, caller=ANONYMOUS)
            assert found.is_drill
            assert 40 <= found.living < 60, "a double is a record until it is decided"
            seen = await node.gate.call("casualties.look_up", {"name": "林小榕", "secret": "6789"}, caller=ANONYMOUS)
            assert (seen.name, seen.condition) == ("林○榕", "in-care")
            with pytest.raises(Conflict):
                await fill(node, parts=parts_of(LIST), hospital="", staff=[])

    asyncio.run(run())


@pytest.mark.parametrize("text", ["0", "-1", "5001", "many"])
def test_a_drill_has_so_many_persons(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(0|-1|5001|invalid literal.*)$"):
        drill_size(text)
