"""The loan app's registration at the node: its public key, address and the one type of detail it may ask by."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from joserfc.jwk import ECKey

from banyan.demo.agencies.law import LENDER
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.clients import checked
from banyan.kernel.identity.openid.details import CONSENT
from banyan.kernel.identity.openid.model import Client
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage.store import Tx

CLIENT: Final = "demo-loan"
ORIGIN: Final = "http://localhost:8137"
"""Where the app is served; an address is registered whole, so that it may not move."""
KEY_FILE: Final = "loan-app.key.json"
NAME: Final = {"zh-Hant": "榕樹貸款（示範）", "en": "Banyan Loans (demo)"}


async def register_app(provider: Provider, folder: Path, *, origin: str = ORIGIN) -> ECKey:
    """Register it, and again when its address moved; its private key, which the app alone reads (`folder`)."""
    key = ECKey.import_key(_kept(folder / KEY_FILE))
    client = Client(
        id=CLIENT,
        agency=LENDER,
        name=NAME,
        redirect_uris=(f"{origin}/cb",),
        jwks=({name: str(value) for name, value in key.as_dict(private=False).items()} | {"kid": "loan-1"},),
        scopes=("openid",),
        details=(CONSENT,),
        grants=("authorization_code", "client_credentials"),
        is_demo=True,
    )
    await provider.store.write(lambda tx: records.put_client(tx, checked(client), provider.clock()))
    return key


async def close_app(provider: Provider) -> None:
    """A folder that was a demonstration once must not let it in now."""

    def job(tx: Tx) -> None:
        found = records.client_by_id(tx, CLIENT)
        if found is not None and found.is_demo and not found.is_closed:
            records.put_client(tx, msgspec.structs.replace(found, is_closed=True), provider.clock())

    await provider.store.write(job)


def _kept(path: Path) -> dict[str, Any]:
    """The app's key; made once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".new")
        staged.touch(mode=0o600)
        staged.write_bytes(msgspec.json.encode(ECKey.generate_key("P-256").as_dict(private=True)))
        staged.rename(path)
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found
