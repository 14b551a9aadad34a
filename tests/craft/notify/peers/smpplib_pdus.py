# ruff: noqa: T201 - it speaks by its output
"""PDUs as smpplib writes them, in hexadecimal; and it reads those of its input. All of it as JSON."""

import json
import sys

import smpplib.client
import smpplib.command
import smpplib.smpp

client = smpplib.client.Client("127.0.0.1", 1, allow_unknown_opt_params=True)
made = {
    "bind_transceiver": {"system_id": "banyan", "password": "secret", "system_type": "VMS"},
    "submit_sm": {
        "source_addr_ton": 3, "source_addr": "1922", "dest_addr_ton": 1, "dest_addr_npi": 1,
        "destination_addr": "886912345678", "short_message": "榕樹".encode("utf-16-be"), "data_coding": 8,
        "registered_delivery": 1, "user_message_reference": 513,
    },
    "query_sm": {"message_id": "12ab", "source_addr": "1922"},
    "enquire_link": {},
    "unbind": {},
}  # fmt: skip
written = {name: smpplib.smpp.make_pdu(name, client=client, **fields).generate().hex() for name, fields in made.items()}
read = []
for line in sys.stdin:
    pdu = smpplib.smpp.parse_pdu(bytes.fromhex(line), client=client, allow_unknown_opt_params=True)
    fields = {}
    for name in (
        "destination_addr",
        "source_addr",
        "short_message",
        "data_coding",
        "esm_class",
        "message_id",
        "message_state",
    ):
        value = getattr(pdu, name, None)
        fields[name] = value.hex() if isinstance(value, bytes) else value
    read.append({"command": pdu.command, "status": pdu.status, "sequence": pdu.sequence} | fields)
print(json.dumps({"written": written, "read": read}))
