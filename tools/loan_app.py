"""Serve the demonstration's loan app, a third party with an address of its own, against a running `./banyan up`.

.venv/bin/python tools/loan_app.py --data data      # then open http://localhost:8137
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from secrets import token_urlsafe

import uvicorn
from joserfc.jwk import ECKey

from banyan.demo.loan.app import LoanApp
from banyan.demo.loan.registering import CLIENT, KEY_FILE, ORIGIN
from banyan.demo.loan.relying import Relying


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="the node's data folder")
    data = parser.parse_args().data
    key = ECKey.import_key(json.loads((data / "demo" / KEY_FILE).read_bytes()))
    issuer = json.loads((data / "node.json").read_bytes())["url"]
    back = f"{ORIGIN}/cb"
    relying = Relying(issuer, CLIENT, key, back=back, clock=time.time, random=lambda: token_urlsafe(32))
    port = int(ORIGIN.rpartition(":")[2])
    uvicorn.run(LoanApp(relying, random=lambda: token_urlsafe(32)), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
