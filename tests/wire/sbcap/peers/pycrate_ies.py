"""In .venv-peers: pycrate's S1AP (compiled from 3GPP's ASN.1) and its cell broadcast alphabet, by lines of JSON.

Each line of standard input is one case; its answer is one line, `{"wrong": ...}` where pycrate refuses.
"""

from __future__ import annotations

import json
import sys

from pycrate_asn1dir import S1AP
from pycrate_mobile.TS23038 import CBS_DCS, decode_7b, decode_7b_cbs, encode_7b_cbs

IES = S1AP.S1AP_IEs
NAMES = {
    "message_id": "MessageIdentifier",
    "serial": "SerialNumber",
    "period": "RepetitionPeriod",
    "requested": "NumberofBroadcastRequest",
    "warning_type": "WarningType",
    "dcs": "DataCodingScheme",
    "content": "WarningMessageContents",
    "area": "WarningAreaList",
    "broadcasts": "NumberOfBroadcasts",
}
BITS = {"message_id": 16, "serial": 16, "dcs": 8}


def written(name: str, value):
    """A value of ours as pycrate has it."""
    if name in BITS:
        return value, BITS[name]
    if name in ("warning_type", "content"):
        return bytes.fromhex(value)
    if name == "area":
        kind, parts = value
        if kind == "cells":
            return "cellIDList", [{"pLMNidentity": bytes.fromhex(p), "cell-ID": (c, 28)} for p, c in parts]
        return "trackingAreaListforWarning", [
            {"pLMNidentity": bytes.fromhex(p), "tAC": c.to_bytes(2, "big")} for p, c in parts
        ]
    return value


def read(name: str, value):
    """A value of pycrate's as ours has it."""
    if name in BITS:
        assert value[1] == BITS[name]
        return value[0]
    if name in ("warning_type", "content"):
        return value.hex()
    if name == "area":
        kind, parts = value
        if kind == "cellIDList":
            return ["cells", [[one["pLMNidentity"].hex(), one["cell-ID"][0]] for one in parts]]
        return ["areas", [[one["pLMNidentity"].hex(), int.from_bytes(one["tAC"], "big")] for one in parts]]
    return value


def answer(case):
    do = case["do"]
    if do == "write":
        shape = getattr(IES, NAMES[case["name"]])
        shape.set_val(written(case["name"], case["value"]))
        return shape.to_aper().hex()
    if do == "read":
        shape = getattr(IES, NAMES[case["name"]])
        shape.from_aper(bytes.fromhex(case["octets"]))
        return read(case["name"], shape.get_val())
    if do == "pages":
        return [[page.hex(), used] for page, used in encode_7b_cbs(case["text"])]
    if do == "text":
        return decode_7b_cbs([(bytes.fromhex(page), used) for page, used in case["pages"]])
    if do == "language":
        return decode_7b(bytes.fromhex(case["octets"]))[:2]
    assert do == "dcs", do
    said = CBS_DCS()
    said.from_bytes(bytes([case["value"]]))
    return [said[0].get_val(), [said[at].get_val() for at in (1, 2, 3) if not said[at].get_trans()]]


for line in sys.stdin:
    try:
        said = {"is": answer(json.loads(line))}
    except Exception as error:
        said = {"wrong": type(error).__name__}
    print(json.dumps(said), flush=True)  # noqa: T201 - the test reads it
