"""Another agency's feed of warnings for the demonstration, in the NCDR's form: generated, and served from memory.

It holds a warning that an invented river office signed, a test of its own, a forgery, and an attack by an external
entity. Only the first may be seen at /alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from banyan.craft.following.rounds import Fetch, Fetched, Source
from banyan.following import Followed
from banyan.kernel.events.clock import Clock
from banyan.service.alerts import others
from banyan.wire.cap import model as cap
from banyan.wire.cap import signing
from banyan.wire.cap.register import Register, pin
from banyan.wire.cap.values import cap_time
from banyan.wire.cap.writing import write
from banyan.wire.xmltext import element

HOST: Final = "https://rivers.example"
SENDER: Final = "duty@rivers.example"
TITLE: Final = {"zh-Hant": "示範河川局", "en": "Demo River Office"}
TAIPEI: Final = timezone(timedelta(hours=8))
STEP_S: Final = 6 * 3_600
"""A new warning begins each quarter of a day, and lasts for two: a restart in between brings the same one."""
LASTS: Final = timedelta(hours=12)
FETCHED_EVERY_S: Final = 600.0
ATTACK: Final = (
    '<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&x;</identifier></alert>'
)


def demo_feed(clock: Clock) -> Followed:
    """The feed as it is at this moment."""
    sent = datetime.fromtimestamp(int(clock()) // STEP_S * STEP_S, TAIPEI)
    ours, forger = _keys(sent), _keys(sent)
    warning = _alert("DemoRivers", sent)
    documents = {
        f"{warning.identifier}.cap": signing.sign(write(warning), *ours),
        f"{warning.identifier}-test.cap": signing.sign(write(_test_of(warning)), *ours),
        f"{warning.identifier}-forged.cap": signing.sign(write(_forged(warning)), *forger),
        f"{warning.identifier}-attack.cap": ATTACK.encode(),
    }
    pinned = Register((pin(SENDER, ours[1].public_bytes(Encoding.PEM)),))
    source = others.Source("demo-rivers", TITLE, pinned)
    return Followed(source, Source(f"{HOST}/RssAtomFeed.ashx"), FETCHED_EVERY_S, _served(documents, sent))


def _served(documents: Mapping[str, bytes], sent: datetime) -> Fetch:
    feed, mark = _feed(list(documents), sent), f'"{int(sent.timestamp())}"'

    async def fetch(address: str, headers: Mapping[str, str], at_most: int) -> Fetched:
        if address.endswith(".ashx"):
            return Fetched(304) if headers.get("If-None-Match") == mark else Fetched(200, feed, mark)
        body = documents.get(address.rpartition("/")[2])
        return Fetched(404) if body is None else Fetched(200, body[:at_most])

    return fetch


def _feed(names: list[str], sent: datetime) -> bytes:
    """As the NCDR writes it: an entry's id is the alert's identifier, its link the document."""
    entries = [
        element(
            "entry",
            inner="".join(
                (
                    element("id", name.removesuffix(".cap")),
                    element("title", "河川高水位"),
                    element("updated", sent.isoformat()),
                    element("author", inner=element("name", TITLE["zh-Hant"])),
                    element("link", attributes={"rel": "alternate", "href": f"{HOST}/Capstorage/DRO/{name}"}),
                    element("category", attributes={"term": "河川高水位"}),
                )
            ),
        )
        for name in names
    ]
    head = element("id", f"{HOST}/RSS.aspx") + element("title", TITLE["zh-Hant"]) + element("updated", sent.isoformat())
    root = element("feed", attributes={"xmlns": "http://www.w3.org/2005/Atom"}, inner=head + "".join(entries))
    return ('<?xml version="1.0" encoding="UTF-8"?>' + root).encode()


def _alert(prefix: str, sent: datetime) -> cap.Alert:
    area = cap.Area(area_desc="苗栗縣頭屋鄉", geocode=(cap.Pair("Taiwan_Geocode_103", "1000512"),))
    info = cap.Info(
        language="zh-TW", category=(cap.Category.MET,), event="河川高水位", urgency=cap.Urgency.EXPECTED,
        severity=cap.Severity.MODERATE, certainty=cap.Certainty.LIKELY, sender_name=TITLE["zh-Hant"],
        response_type=(cap.ResponseType.AVOID,), expires=cap_time(sent + LASTS), effective=cap_time(sent),
        headline="後龍溪水位上升（示範）", description="示範資料：後龍溪水位接近警戒。", instruction="請勿進入河床。",
        event_code=(cap.Pair("profile:CAP-TWP:Event:1.0", "highWater"),), area=(area,),
    )  # fmt: skip
    english = msgspec.structs.replace(
        info, language="en", event="High river level", sender_name=TITLE["en"],
        headline="The Houlong River is rising (demonstration)", description="Demonstration data.",
        instruction="Keep out of the river bed.",
    )  # fmt: skip
    return cap.Alert(
        identifier=f"{prefix}_{sent:%Y%m%d%H%M}", sender=SENDER, sent=cap_time(sent), status=cap.Status.ACTUAL,
        msg_type=cap.MsgType.ALERT, scope=cap.Scope.PUBLIC, code=("Progress",), info=(info, english),
    )  # fmt: skip


def _test_of(one: cap.Alert) -> cap.Alert:
    return msgspec.structs.replace(one, identifier=f"{one.identifier}-test", status=cap.Status.TEST)


def _forged(one: cap.Alert) -> cap.Alert:
    info = msgspec.structs.replace(one.info[0], headline="全鄉立即撤離", severity=cap.Severity.EXTREME)
    return msgspec.structs.replace(one, identifier=f"{one.identifier}-forged", info=(info,))


def _keys(sent: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, TITLE["en"])])
    begin = sent.astimezone(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(begin)
    return key, made.not_valid_after(begin + timedelta(days=90)).sign(key, hashes.SHA256())
