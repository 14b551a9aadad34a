# ruff: noqa: T201 - it speaks by its output
"""An SMSC by smpp34 (Rust): `smpp34_server.py PORT [receipts]`. At its input's end it tells what it got, as JSON."""

import asyncio
import json
import sys

import smpp34


async def main(port: int, has_receipts: bool) -> None:
    server = smpp34.Server("127.0.0.1", port, system_id="smpp34", inbound_capacity=4096)
    await server.start()
    print("ready", port, flush=True)
    got, count, sessions, tasks = [], 0, {}, set()
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    following = asyncio.ensure_future(server.next())
    while not over.done():
        await asyncio.wait([over, following], return_when=asyncio.FIRST_COMPLETED)
        if not following.done():
            continue
        event, following = following.result(), asyncio.ensure_future(server.next())
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
        elif isinstance(event, smpp34.SubmitSmEvent):
            count += 1
            id = f"R{count}"
            event.accept(id)
            if len(got) < 100:
                got.append([event.destination_addr, event.short_message.hex(), event.data_coding, event.esm_class])
            if has_receipts:
                text = (
                    f"id:{id} sub:001 dlvrd:001 submit date:2611270102 done date:2611270103 stat:DELIVRD err:000 text:"
                )
                delivered = sessions[event.session_id].deliver_sm(
                    event.source_addr, text.encode(), source_addr=event.destination_addr, esm_class=4
                )
                task = asyncio.ensure_future(delivered)
                tasks.add(task)
                task.add_done_callback(tasks.discard)
    following.cancel()
    print(json.dumps({"count": count, "got": got}), flush=True)
    await server.stop()


asyncio.run(main(int(sys.argv[1]), len(sys.argv) > 2))
