"""What an operator is asked to say: a CAP document whose signature is pinned here, judged before anybody is looked for.

Pure. Nothing beside the document counts: the area, the words, the end and what it replaces are under the signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.errors import Denied, Invalid
from banyan.limits_alerts import CAP_UNENDING_S, OTHERS_SKEW_S
from banyan.wire.cap import reading, signing
from banyan.wire.cap.model import Alert, Info, MsgType, Scope, Status
from banyan.wire.cap.register import Register
from banyan.wire.cap.values import epoch_s, references_of

SMS: Final = "sms"
"""CAP `parameter`: the whole text of an SMS in that block's language, where the sender wrote one."""
Language = Literal["zh-Hant", "en"]


class Order(msgspec.Struct, frozen=True):
    """One message that may be said here. `texts` are by language; `replaces` the identifiers of earlier messages of the
    same sender; `expires` epoch seconds (0: for a cancel, which is said however late)."""

    id: str
    sender: str
    identifier: str
    kind: MsgType
    digest: str
    texts: Mapping[Language, str]
    expires: float
    replaces: tuple[str, ...]
    alert: Alert


def order_of(document: bytes, register: Register, now: float) -> Order:
    """Raises Invalid for what is no warning to people, or is over; Denied for what no pinned key signed."""
    alert = reading.read(document)
    if alert.status is not Status.ACTUAL:
        raise Invalid.at("status", f"{alert.status.value}: only Actual reaches people")
    if alert.scope is not Scope.PUBLIC:
        raise Invalid.at("scope", "only Public reaches people")
    if alert.msg_type not in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
        raise Invalid.at("msgType", "only Alert, Update and Cancel reach people")
    seals = signing.verify(document, register)
    good = [one for one in seals if one.is_good]
    if not good:
        why = "; ".join(sorted({one.seal.value for one in seals}))
        raise Denied(
            f"The warning is not signed by a key that is pinned here for {alert.sender[:80]} ({why}).",
            remedy="The operator must pin the sender's certificate: areasms.register in its node.toml.",
            kind="not-sealed",
        )
    if epoch_s(alert.sent) > now + OTHERS_SKEW_S:
        raise Invalid.at("sent", "it lies in the future: compare the clocks of both nodes")
    is_over = alert.msg_type is MsgType.CANCEL
    ends = 0.0 if is_over else float(_ends_s(alert))
    if not is_over and ends <= now:
        raise Invalid.at("expires", "it is over")
    earlier = references_of(alert.references) if alert.references else ()
    return Order(
        id=id_of(alert.sender, alert.identifier),
        sender=alert.sender,
        identifier=alert.identifier,
        kind=alert.msg_type,
        digest=sha256(document).hexdigest(),
        texts=_texts(alert),
        expires=ends,
        replaces=tuple(dict.fromkeys(one.identifier for one in earlier if one.sender == alert.sender)),
        alert=alert,
    )


def id_of(sender: str, identifier: str) -> str:
    """Names a message in campaigns and rows: CAP's identifiers are of any characters."""
    return sha256(f"{sender}\n{identifier}".encode()).hexdigest()[:32]


def _ends_s(alert: Alert) -> int:
    """The latest end, or a day after it was sent."""
    unending = epoch_s(alert.sent) + CAP_UNENDING_S
    return max((epoch_s(info.expires) if info.expires else unending for info in alert.info), default=unending)


def _texts(alert: Alert) -> dict[Language, str]:
    """By language, the first of each; who has one only says it to all. Raises Invalid without any."""
    found: dict[Language, str] = {}
    for info in alert.info:
        text = _said(info)
        if text:
            found.setdefault("zh-Hant" if info.language.lower().startswith("zh") else "en", text)
    if not found:
        raise Invalid.at("info", "it says nothing: give a parameter `sms` or a headline")
    any_text = next(iter(found.values()))
    return {"zh-Hant": found.get("zh-Hant", any_text), "en": found.get("en", any_text)}


def _said(info: Info) -> str:
    """The SMS as its sender wrote it, else the headline and who says so."""
    written = next((one.value for one in info.parameter if one.value_name == SMS), "").strip()
    if written or not info.headline.strip():
        return written
    return info.headline.strip() + (f" ({info.sender_name.strip()})" if info.sender_name.strip() else "")
