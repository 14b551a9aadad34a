"""Against a real base station controller and base station: Debian's osmo-bsc and osmo-bts-virtual."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

from tests.craft.notify.cells import osmocom

from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.desk import Timers
from banyan.craft.notify.cells.model import Broadcast, Category, CellCount, Stage
from banyan.craft.notify.cells.naming import Bsc
from banyan.wire import cellbroadcast as cb
from banyan.wire.cellbroadcast.air import AirPage

TEXT = "〔國家級警報〕花蓮縣近海發生有感地震，請就近避難，遠離海邊，並注意餘震。中央氣象署 Earthquake: take cover."


def test_a_chinese_warning_comes_over_the_air_octet_for_octet(tmp_path: Path) -> None:
    """Written before the base station is up, lost by it in silence, audited, written again, heard, counted, replaced,
    killed; a cell that does not exist is refused by name."""
    osmocom.need_packages()
    with osmocom.alone(), ExitStack() as running:
        air = osmocom.Air()
        running.callback(air.close)
        asyncio.run(_run(tmp_path, running, air))


async def _run(folder: Path, running: ExitStack, air: osmocom.Air) -> None:
    bsc = Bsc(name="osmo-bsc", host="127.0.0.1", cells=frozenset({osmocom.CELL, "466-92-10101-6"}), has_no_end=False)
    timers = Timers(keep_alive_s=1, retry_s=0.5, audit_s=0.5)
    centre = Centre(folder / "centre", (bsc,), clock=time.time, timers=timers)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(60):
            port = await centre.start(port=0)
            running.enter_context(osmocom.a_program("osmo-bsc", osmocom.BSC.format(port=port), folder))
            await centre.met("osmo-bsc")
            sent = _broadcast(TEXT, 0x4010)
            await centre.write_replace(sent)
            assert (await centre.settled(sent.message_id, sent.serial)).acknowledged == (osmocom.CELL,)
            running.enter_context(osmocom.a_program("osmo-bts-virtual", osmocom.BTS, folder))
            await _heard(air, sent)
            assert [(one.cell, one.broadcasts >= 1) for one in await _counts(centre, sent)] == [(osmocom.CELL, True)]

            second = _broadcast("餘震警報解除。", 0x4011, replaces=sent.serial)
            await centre.write_replace(second)
            assert (await centre.settled(second.message_id, second.serial)).stage is Stage.ON_AIR
            await _heard(air, second)

            nowhere = _broadcast("無此基地臺", 0x4020, cells=("466-92-10101-6",))
            await centre.write_replace(nowhere)
            status = await centre.settled(nowhere.message_id, nowhere.serial)
            assert status.stage is Stage.FAILED
            # osmo-bsc 1.9's word for a cell that it has not; TS 48.049 s7.2 would have cell-identity-not-valid.
            assert [(one.cell, one.cause) for one in status.failed] == [("466-92-10101-6", "parameter-not-recognised")]

            await centre.kill(second.message_id, second.serial)
            assert (await centre.settled(second.message_id, second.serial)).stage is Stage.KILLED
    finally:
        await centre.close()


def _broadcast(
    text: str, serial: int, *, cells: tuple[str, ...] | None = None, replaces: int | None = None
) -> Broadcast:
    encoded = cb.encode(text, "zh")
    return Broadcast(
        serial=serial,
        message_id=4371,
        dcs=encoded.dcs,
        pages=encoded.pages,
        category=Category.HIGH,
        period=len(encoded.pages),
        cells=cells,
        replaces=replaces,
    )


async def _heard(air: osmocom.Air, sent: Broadcast) -> None:
    """Wait until every page came over the air, just as it was written."""
    pages: dict[int, AirPage] = {}
    while len(pages) < len(sent.pages):
        page = await air.page()
        if page.serial == sent.serial:
            assert (page.message_id, page.dcs, page.total) == (sent.message_id, sent.dcs, len(sent.pages))
            pages[page.number] = page
    for number, written in enumerate(sent.pages, 1):
        assert pages[number].octets[: written.used] == written.octets[: written.used]
    heard = tuple(cb.Page(pages[n + 1].octets.ljust(82, b"\r"), one.used) for n, one in enumerate(sent.pages))
    assert cb.decode(sent.dcs, heard) == cb.decode(sent.dcs, sent.pages)


async def _counts(centre: Centre, sent: Broadcast) -> tuple[CellCount, ...]:
    """The controller counts a message when its last page is out, which is a moment after it was heard."""
    while True:
        counts = (await centre.status(sent.message_id, sent.serial, ask=True)).counts
        if counts and counts[0].broadcasts:
            return counts
        await asyncio.sleep(0.1)
