# ruff: noqa: T201 - it speaks by its output
"""A sender by smpplib: `smpplib_esme.py PORT PASSWORD`. It sends a short and a long text, waits for three receipts, and
tells the ids and receipts, as JSON."""

import json
import sys

import smpplib.client
import smpplib.consts
import smpplib.gsm

ids, receipts = [], []
client = smpplib.client.Client("127.0.0.1", int(sys.argv[1]), timeout=10, allow_unknown_opt_params=True)
client.set_message_sent_handler(lambda pdu: ids.append(pdu.message_id.decode()))
client.set_message_received_handler(lambda pdu: receipts.append(pdu.short_message.decode()))
client.connect()
client.bind_transceiver(system_id="banyan", password=sys.argv[2])
for text in ("hello", "疫情指揮中心" * 15):
    parts, coding, kind = smpplib.gsm.make_parts(text)
    for part in parts:
        client.send_message(
            source_addr_ton=3, source_addr="1922", dest_addr_ton=1, dest_addr_npi=1, destination_addr="886912345678",
            short_message=part, data_coding=coding, esm_class=kind, registered_delivery=True,
        )  # fmt: skip
while len(receipts) < 3 or len(ids) < 3:
    client.read_once()
client.unbind()
client.disconnect()
print(json.dumps({"ids": ids, "receipts": receipts}))
