"""smpplib sends COUNT texts to PORT with a window of its own: `_sms_smpplib.py PORT COUNT`. Runs in .venv-peers."""

import json
import sys
import time

import smpplib.client

port, count, window = int(sys.argv[1]), int(sys.argv[2]), 100
client = smpplib.client.Client("127.0.0.1", port, timeout=30, allow_unknown_opt_params=True)
got = [0]


def answered(pdu):

    got[0] += 1


client.set_message_sent_handler(answered)
client.connect()
client.bind_transceiver(system_id="banyan", password="secret")
text = "您在家嗎？請回覆1".encode("utf-16-be")
wall, cpu = time.perf_counter(), time.process_time()
for at in range(count):
    client.send_message(
        source_addr_ton=3, source_addr="1922", dest_addr_ton=1, dest_addr_npi=1, destination_addr=f"8869{at:08}",
        short_message=text, data_coding=8, registered_delivery=True,
    )  # fmt: skip
    while at + 1 - got[0] >= window:
        client.read_once()
while got[0] < count:
    client.read_once()
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
