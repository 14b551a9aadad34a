"""An operator's node that tells an area until it is killed: `python area_crashing.py FOLDER PORT COUNT START`.

`START` is its clock's first second. Whatever an earlier one did, it is asked the same signed warning again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.area_signed import pinned, signed
from tests.craft.notify.tools import NOW, number

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.caller import Caller
from banyan.node import open_node
from banyan.settings import AreaSmsSettings, Settings, SmsBind, SmsSettings

MEMBER = Caller("app", "TW/GOV/EOC/warnings", channel="road", agency="TW/GOV/EOC", assurance="aal2")


async def main(folder: Path, port: int, count: int, start: float) -> None:
    os.environ["BANYAN_SMS_ONE"] = "secret"
    signer = pinned(folder / "senders", folder / "keys-of-the-sender", NOW)
    table = folder / "here.csv"
    table.write_text("number,area\n" + "".join(f"{number(one)},10015010\n" for one in range(count)), encoding="ascii")
    bind = SmsBind(name="one", host="127.0.0.1", port=port, system_id="banyan", rate=20_000, window=40)
    settings = Settings(
        services=("banyan.service.areasms.parts:SERVICE", "banyan.service.identity.parts:SERVICE"),
        sms=SmsSettings(enabled=True, binds=(bind,)),
        areasms=AreaSmsSettings(tables=("here.csv",), register="senders"),
    )
    kept = folder / "asked.xml"
    if not kept.exists():  # a signature made anew would be another document
        kept.write_text(signed(signer, NOW), encoding="utf-8")
    asked = {"document": kept.read_text(encoding="utf-8"), "basis": "災害防救法"}
    async with open_node(folder, settings, clock=lambda: EpochS(start)) as node:
        service = node.gate.catalogue.services["areasms"]
        attendant = Attendant(
            service, node.drawers["areasms"], node.gate, log=lambda *_: None, jitter=lambda: 0.0
        )  # fmt: skip
        task = asyncio.create_task(attendant.run())
        heard = await node.gate.call("areasms.send", asked, caller=MEMBER)
        print("taken", flush=True)  # noqa: T201 - the parent reads it
        while heard.state == "waiting":
            await asyncio.sleep(0.01)
            heard = await node.gate.call("areasms.send", asked, caller=MEMBER)
        print("over", heard.state, heard.total, flush=True)  # noqa: T201
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
