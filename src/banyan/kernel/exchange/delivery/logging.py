"""The answer that comes back later, as both message logs keep it: under an id that both sides find out alike."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.receipts import Receipt
from banyan.kernel.exchange.road.model import Exchanged, Role, Signed
from banyan.wire.xroad.identifiers import parse_client, parse_service

FIELD = b"x-banyan-receipt"


async def log_answer(means: Means, role: Role, receipt: str, said: Receipt) -> None:
    """Durable when it returns. Raises Problem: then the answer is not taken yet. Logged again after a crash in between;
    the id is of the receipt, so two entries of one answer are seen to be one."""
    if means.message_log is None:
        return
    line = b"%d\r\n" % said.status
    await means.message_log.keep(
        Exchanged(
            xid=str(UUID(bytes=sha256(receipt.encode("ascii")).digest()[:16], version=4)),
            role=role,
            client=parse_client(said.client),
            service=parse_service(said.service),
            message_id=said.message_id,
            at=EpochS(said.at),
            status=said.status,
            answer=Signed(line, FIELD + b": " + receipt.encode("ascii")),
        )
    )
