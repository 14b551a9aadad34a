"""From an answer to cards that a clinician reads, and from a Patient to the number that is asked by. Values in, values
out: no card says more than the look-up did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from banyan.errors import UNREADABLE
from banyan.kernel.identity.identifiers import is_passport, normalized_person_number, person_number_kind
from banyan.service.travel.flagging import Shown
from banyan.service.travel.shelf import MESSAGES
from banyan.wire.cdshooks import Card, Coding, Link, Response, Service, Services, Source
from banyan.wire.cdshooks.model import SUMMARY_MOST
from banyan.wire.fhir.model import Patient, document_of

SERVICE_ID: Final = "travel-flag"
HOOK: Final = "patient-view"
PREFETCH: Final = "patient"
OVERRIDES: Final = ("asked", "known", "contested", "unfit")
SYSTEM: Final = "/travel/overrides"
RANK: Final = {"national": 0, "resident": 1, "resident-old": 2}


def discovery(lang: str) -> Services:
    """What the service is, for whoever asks."""
    return Services((
        Service(
            HOOK,
            _said("cds_description", lang),
            SERVICE_ID,
            title=_said("cds_title", lang),
            prefetch={PREFETCH: "Patient/{{context.patientId}}"},
            usage_requirements=_said("cds_usage", lang),
        ),
    ))  # fmt: skip


def document_in(resource: Any, patient: str) -> str | None:
    """The number to ask by of a Patient resource: a national number before a resident's before a passport's; empty when
    it has none that is well formed. None when this is no Patient, or another one than the context names."""
    try:
        read = msgspec.convert(resource, Patient)
    except UNREADABLE:
        return None
    if read.id != patient:
        return None
    found = [normalized_person_number(document_of(one)) for one in read.identifier]
    good = [one for one in found if person_number_kind(one) is not None or is_passport(one)]
    return min(good, key=lambda one: RANK.get(person_number_kind(one) or "", 3), default="")


def cards_of(marks: Sequence[Shown], ids: Sequence[str], *, base: str, lang: str) -> Response:
    """One card a mark; `ids` are their UUIDs. No mark: no card."""
    return Response(tuple(_card(mark, id, base, lang) for mark, id in zip(marks, ids, strict=True)))


def no_number(id: str, *, base: str, lang: str) -> Response:
    """Silence would say that nothing is known: here nothing could be asked."""
    link = Link(_said("link_page", lang), f"{base}/travel", "absolute")
    detail = _said("card_no_number_detail", lang)
    return Response(
        (Card(_said("card_no_number", lang), "info", _source(base, lang), uuid=id, detail=detail, links=(link,)),)
    )


def _card(mark: Shown, id: str, base: str, lang: str) -> Card:
    contested = _said("card_contested", lang) if mark.is_contested else ""
    whole = _said(f"card_{mark.state}", lang, title=mark.title[lang], end=mark.end)
    detail = _said("card_detail", lang, rule=mark.rule, source=mark.source, start=mark.start, end=mark.end)
    return Card(
        f"{whole[: SUMMARY_MOST - len(contested)]}{contested}",
        "warning" if mark.state == "now" else "info",
        _source(base, lang),
        uuid=id,
        detail=detail,
        links=(
            Link(_said("link_tocc", lang), f"{base}/travel/tocc", "absolute"),
            Link(_said("link_rules", lang), f"{base}/travel/rules#{mark.rule}", "absolute"),
        ),
        override_reasons=tuple(
            Coding(code=code, system=f"{base}{SYSTEM}", display=_said(f"override_{code}", lang)) for code in OVERRIDES
        ),
    )


def _source(base: str, lang: str) -> Source:
    return Source(_said("source_label", lang), url=f"{base}/travel")


def _said(key: str, lang: str, **values: object) -> str:
    return MESSAGES.text(f"travel.{key}", lang, **values)
