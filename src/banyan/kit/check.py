"""One check: the node, the app, the node again, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from banyan.errors import Invalid, Problem
from banyan.kit.claims import App, Taken
from banyan.kit.fetching import Clock, Take
from banyan.kit.judging import Case, judged, known_code
from banyan.kit.recognising import understood
from banyan.kit.reference import looked_at
from banyan.kit.report import Report, conforms, outlets_of, rules_of
from banyan.kit.sampling import CASES, sampled
from banyan.kit.times import iso
from banyan.kit.wording import refusal

PLACE: Final = "{code}"
"""In an address: the app has a page for each outlet, and the code stands here."""


def check(url: str, reference: str, *, take: Take, clock: Clock, sample: int) -> Report:
    """Check the app at `url` against the node at `reference`; `sample` outlets at most are compared in all they show.

    Raises Problem when either cannot be read, and Invalid when the app shows no stock that we know how to read.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise refusal(Invalid, "address", url=url)
    before = looked_at(reference, take)
    if PLACE in url:
        cases = sampled(before, before.rows, sample)
        taken, app = _each(url, _codes(cases), take)
    else:
        taken = take(url)
        app = understood(taken, take)
        cases = sampled(before, (known_code(claim, before) for claim in app.claims), sample)
    app = msgspec.structs.replace(app, has_licence=_has_licence(app, taken, take))
    after = looked_at(reference, take)
    findings = judged(Case(app, taken, before, after), _codes(cases))
    return Report(
        url=url,
        kind=app.kind,
        reference=reference,
        seq=(before.seq, after.seq),
        checked_at=iso(clock()),
        conforms=conforms(findings),
        claims=len(app.claims),
        outlets=outlets_of(app),
        cases={case: len(cases[case]) for case in CASES},
        rules=rules_of(findings),
    )


def _each(url: str, codes: Sequence[str], take: Take) -> tuple[Taken, App]:
    """An app with a document for each outlet, as one. Raises Problem when not one of them can be read."""
    answers: list[tuple[Taken, App]] = []
    last: Problem = refusal(Invalid, "not_recognised", url=url)
    for code in codes:
        try:
            taken = take(url.replace(PLACE, code))
            answers.append((taken, understood(taken, take)))
        except Problem as problem:  # an app may rightly have no page for an outlet that is not listed
            last = problem
    if not answers:
        raise last
    taken, app = answers[0]
    claims = tuple(claim for _, one in answers for claim in one.claims)
    return taken, msgspec.structs.replace(app, claims=claims)


def _has_licence(app: App, taken: Taken, take: Take) -> bool:
    """In the document, in a `Link rel="license"` (RFC 8288), or in the OpenAPI document of the same site. A CSV has no
    place for one, so it is not asked for one."""
    if app.has_licence or app.kind == "csv" or 'rel="license"' in taken.headers.get("link", ""):
        return True
    if app.kind == "html":
        return False
    try:
        described = msgspec.json.decode(take(urljoin(taken.url, "/openapi.json")).body)
    except (Problem, msgspec.DecodeError):
        return False
    info = described.get("info") if isinstance(described, dict) else None
    return isinstance(info, dict) and bool(info.get("license"))


def _codes(cases: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(code for codes in cases.values() for code in codes))
