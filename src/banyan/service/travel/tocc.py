"""TOCC: what a hospital asks each patient, as the law has it: travel, occupation, contact, cluster. The hospital's own
record, sealed, with the visit; given back as a FHIR QuestionnaireResponse.

Unlike the flag this is ordinary law: it needs no order, and it outlives one.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import msgspec

from banyan.errors import Conflict, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.identifiers import normalized_person_number
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import TOCC_TEXT
from banyan.service.travel.records import as_bytes
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import both, shelf_of
from banyan.wire.fhir.model import AnswerItem, Identifier, Item, QuestionnaireResponse, Reference

SQL: Final = load_statements("banyan.service.travel", "tocc.sql")
SCOPE: Final = "travel:tocc"
QUESTIONNAIRE: Final = "urn:banyan:questionnaire:tocc|1"
PARTS: Final = ("travel", "occupation", "contact", "cluster")
TITLES: Final = {
    "travel": "旅遊史 Travel",
    "occupation": "職業 Occupation",
    "contact": "接觸史 Contact",
    "cluster": "是否群聚 Cluster",
}
"""As the form of 2020 has them."""
Visit = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]{3,40}$", title="就診代號 Visit")]
Words = Annotated[str, msgspec.Meta(max_length=TOCC_TEXT)]
Person = Annotated[str, msgspec.Meta(max_length=24, title="證號 Document")]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the four: yes or no, and in words when yes."""

    is_yes: bool
    words: Words = ""


class Tocc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the patient said at the visit. `has_fever` is why many come."""

    person: Person
    visit: Visit
    travel: Said
    occupation: Said
    contact: Said
    cluster: Said
    has_fever: bool = False


class ToccQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: Person
    visit: Visit


class Kept(msgspec.Struct, frozen=True):
    """The visit, and what was said as FHIR."""

    visit: str
    at: str
    response: Annotated[QuestionnaireResponse, personal("C111")] | UnsetType = UNSET


@SERVICE.operation(
    "tocc", title={"zh-Hant": "登錄 TOCC", "en": "Keep TOCC"},
    summary={
        "zh-Hant": "就診時詢問的旅遊史、職業、接觸史、群聚；存於該次就診。",
        "en": "Travel, occupation, contact and cluster as asked at a visit, kept with it.",
    },
    data=("health",), audience="hospital", effect="write", purpose="064", subject="person", channels=("api",),
)  # fmt: skip
async def keep(ctx: Context, request: Tocc) -> Kept:
    """Again the same is the same. Raises Conflict for a visit that has another patient's, or other answers."""
    shelf, agency = shelf_of(ctx.db), ctx.caller.agency
    person = shelf.subject_of(normalized_person_number(request.person))
    said = msgspec.to_builtins(request)
    del said["person"]
    plain = msgspec.json.encode(said, order="sorted")
    before = await ctx.db.sql.read(partial(_row, agency, request.visit))
    if before is not None:
        if before[0] != person or await shelf.scopes.open(SCOPE, person, before[2], context=b"tocc") != plain:
            raise Conflict(both("other_visit"), remedy=both("other_visit_remedy"), kind="other-visit")
        return _kept(said, before[1], agency)
    sealed = await shelf.scopes.seal(SCOPE, person, plain, context=b"tocc")

    def job(tx: Tx) -> None:
        if _row(agency, request.visit, tx) is not None:
            raise Conflict(both("other_visit"), remedy=both("other_visit_remedy"), kind="other-visit")
        tx.run(SQL["put"], agency=agency, visit=request.visit, person=person, at=ctx.now, sealed=sealed)

    await ctx.db.sql.write(job)
    return _kept(said, ctx.now, agency)


@SERVICE.operation(
    "tocc_of", title={"zh-Hant": "讀取 TOCC", "en": "Read TOCC"},
    summary={"zh-Hant": "本院某次就診的 TOCC。", "en": "What your hospital kept of a visit."},
    data=("health",), audience="hospital", purpose="064", subject="person", channels=("api",),
)  # fmt: skip
async def read(ctx: Context, request: ToccQuery) -> Kept:
    """Raises NotFound alike for no such visit, another hospital's, and another patient's."""
    shelf, agency = shelf_of(ctx.db), ctx.caller.agency
    person = shelf.subject_of(normalized_person_number(request.person))
    row = await ctx.db.sql.read(partial(_row, agency, request.visit))
    if row is None or row[0] != person:
        raise NotFound(both("no_visit"), remedy=both("no_visit_remedy"))
    said = msgspec.json.decode(await shelf.scopes.open(SCOPE, person, row[2], context=b"tocc"))
    return _kept(said, row[1], agency)


def response_of(said: dict[str, Any], at: str, agency: str) -> QuestionnaireResponse:
    """As FHIR has a filled form. The patient is named by the visit: the hospital knows who came."""
    items = tuple(
        Item(
            part,
            TITLES[part],
            (AnswerItem(value_boolean=said[part]["is_yes"], item=_words(part, said[part].get("words", ""))),),
        )
        for part in PARTS
    )
    fever = Item("fever", "發燒 Fever", (AnswerItem(value_boolean=said.get("has_fever", False)),))
    visit = Identifier("urn:banyan:visit", said["visit"])
    return QuestionnaireResponse(
        f"tocc-{said['visit']}", QUESTIONNAIRE, "completed", at, Reference(identifier=visit),
        Reference(display=agency), (*items, fever),
    )  # fmt: skip


def _words(part: str, words: str) -> tuple[Item, ...]:
    return (Item(f"{part}.words", "", (AnswerItem(value_string=words),)),) if words else ()


def _kept(said: dict[str, Any], at: float, agency: str) -> Kept:
    moment = iso(EpochS(at))
    return Kept(said["visit"], moment, response_of(said, moment, agency))


def _row(agency: str, visit: str, tx: Tx) -> tuple[bytes, float, bytes] | None:
    row = tx.row(SQL["of_visit"], agency=agency, visit=visit)
    return (as_bytes(row[0]), float(str(row[1])), as_bytes(row[2])) if row is not None else None
