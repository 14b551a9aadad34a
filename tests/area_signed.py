"""A warning of another agency, signed by a key that an operator pins: CAP as whoever writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from banyan.alert_keys import load_signer
from banyan.kernel.events.clock import EpochS
from banyan.service.alerts.signer import Signer
from banyan.wire.cap import model as cap
from banyan.wire.cap.signing import sign
from banyan.wire.cap.values import cap_time
from banyan.wire.cap.writing import write

SENDER = "eoc.gov.example"
HUALIEN_CITY = cap.Area("花蓮縣花蓮市", geocode=(cap.Pair("Taiwan_Geocode_112", "10015010"),))


def pinned(register: Path, keys: Path, now: float) -> Signer:
    """Its key (the same again), with the register's folder that pins it."""
    signer = load_signer(keys, "TW/GOV/EOC", clock=lambda: EpochS(now))
    register.mkdir(parents=True, exist_ok=True)
    (register / "cap-1.pem").write_bytes(signer.newest.public_bytes(Encoding.PEM))
    (register / "senders.toml").write_text(f'[[sender]]\nsender = "{SENDER}"\ncertificate = "cap-1.pem"\n')
    return signer


def signed(
    signer: Signer, now: float, *, identifier: str = "eoc-1", area: cap.Area = HUALIEN_CITY, text: str = "",
    references: str = "", kind: cap.MsgType = cap.MsgType.ALERT,
) -> str:  # fmt: skip
    """`text` is the parameter `sms`; without it the headline is what there is."""
    sent = cap_time(datetime.fromtimestamp(now, UTC))
    info = cap.Info(
        language="zh-TW", category=(cap.Category.MET,), event="淹水", urgency=cap.Urgency.IMMEDIATE,
        severity=cap.Severity.MODERATE, certainty=cap.Certainty.OBSERVED, sender_name="應變中心", headline="淹水警戒",
        expires=cap_time(datetime.fromtimestamp(now + 6 * 3_600, UTC)), area=(area,),
        parameter=(cap.Pair("sms", text),) if text else (),
    )  # fmt: skip
    alert = cap.Alert(
        identifier=identifier, sender=SENDER, sent=sent, status=cap.Status.ACTUAL, msg_type=kind,
        scope=cap.Scope.PUBLIC, references=references, info=(info,),
    )  # fmt: skip
    return sign(write(alert), signer.key, signer.newest).decode()
