"""A third party's app from end to end, in a browser without scripts: consent, read, listed, paused, withdrawn, 401."""

from __future__ import annotations

import re
from pathlib import Path

from tests.service.identity.person import Person
from tests.story.nation import Nation, a_relying, live_nation

from banyan.kernel.identity.openid import records

FORM = re.compile(r'name="(csrf_token|form_token|next|field)" value="([^"]*)"')


def form_of(text: str) -> dict[str, str]:
    return dict(FORM.findall(text))


def consented(nation: Nation, person: Person) -> str:
    """What the app shows after the person signed in, saw the values and agreed."""
    status, at, text = person.go(f"{nation.loan}/apply", {})
    assert status == 200, text
    if 'name="persona"' in text:
        assert "/openid/ask/" in at
        token = form_of(text)["form_token"]
        status, at, text = person.go(at, {"form_token": token, "do": "persona", "persona": "demo.lin"})
    assert "/mydata/consents/" in at, text
    assert "684000" in text, "the actual values are shown before anything is released"
    assert "榕樹貸款" in text
    kept = form_of(text)
    fields = re.findall(r'name="field" value="([^"]*)"', text)
    assert fields == ["year", "wages"]
    action = at.partition("?")[0]
    pairs = [("csrf_token", kept["csrf_token"]), ("next", kept["next"]), *(("field", one) for one in fields)]
    status, at, text = person.submit(action, [*pairs, ("do", "give")])
    assert status == 200, text
    assert at == f"{nation.loan}/", at
    return text


def word(nation: Nation, person: Person, do: str) -> None:
    """One word about the one consent that stands."""
    _, _, text = person.go(f"{nation.url}/mydata")
    action = re.search(r'action="(/mydata/consents/[0-9a-f]{32})"', text)
    assert action is not None, text
    status, _, _ = person.go(nation.url + action.group(1), {"csrf_token": form_of(text)["csrf_token"], "do": do})
    assert status == 200


def test_consent_read_listed_paused_withdrawn(tmp_path: Path) -> None:
    with live_nation(tmp_path) as nation:
        person = Person()
        text = consented(nation, person)
        assert "684000" in text
        assert "2025" in text
        _, _, mine = person.go(f"{nation.url}/mydata")
        assert "TW/COM/LOAN" in mine or "榕樹貸款" in mine
        assert "薪資" in mine

        word(nation, person, "pause")
        _, _, text = person.go(f"{nation.loan}/check", {})
        assert "(403)" in text, text
        word(nation, person, "resume")
        _, _, text = person.go(f"{nation.loan}/check", {})
        assert "684000" in text

        word(nation, person, "withdraw")
        _, _, text = person.go(f"{nation.loan}/check", {})
        assert "(401)" in text, text
        assert "684000" not in text
        assert "684000" in consented(nation, person), "a new consent is a new grant"

        assert nation.app is not None
        _, _, mine = person.go(f"{nation.url}/mydata")
        word(nation, person, "withdraw")
        id = re.search(r'action="/mydata/consents/([0-9a-f]{32})"', mine)
        assert id is not None
        relying = nation.app.relying
        own = str(relying.own_token().body["access_token"])
        done = relying.read("/api/mydata/acknowledge", {"consent": id.group(1)}, own)
        assert (done.status, done.body["consent"]) == (200, id.group(1)), "its agency's word that it has deleted"
        assert relying.read("/api/tax/income", {"person": "A123456789", "purpose": "088"}, own).status == 403


def test_who_declines_goes_back_with_nothing(tmp_path: Path) -> None:
    with live_nation(tmp_path) as nation:
        person = Person()
        _, at, text = person.go(f"{nation.loan}/apply", {})
        token = form_of(text)["form_token"]
        _, at, text = person.go(at, {"form_token": token, "do": "persona", "persona": "demo.lin"})
        kept = form_of(text)
        answer = {"csrf_token": kept["csrf_token"], "next": kept["next"], "do": "refuse"}
        _, at, text = person.go(at.partition("?")[0], answer)
        assert at == f"{nation.loan}/"
        assert "access_denied" in text
        _, at, text = person.go(f"{nation.loan}/apply", {})
        assert "/mydata/consents/" in at, "asking again asks the person again"


def test_an_officer_cannot_consent_and_an_unknown_purpose_is_refused(tmp_path: Path) -> None:
    with live_nation(tmp_path) as nation:
        person = Person()
        _, at, text = person.go(f"{nation.loan}/apply", {})
        token = form_of(text)["form_token"]
        _, at, text = person.go(at, {"form_token": token, "do": "persona", "persona": "demo.epidemic"})
        assert at == f"{nation.loan}/"
        assert "access_denied" in text
        citizen = Person()
        _, at, text = citizen.go(f"{nation.loan}/apply?purpose=bank-a-loan", {})
        token = form_of(text)["form_token"]
        _, at, text = citizen.go(at, {"form_token": token, "do": "persona", "persona": "demo.lin"})
        assert "invalid_authorization_details" in text, "another agency's purpose is not this app's"


def test_what_the_token_carries_is_the_persons_word_and_no_apps(tmp_path: Path) -> None:
    """An app that names a consent or fields itself is refused; a stolen token is of no use without its key."""
    with live_nation(tmp_path) as nation:
        person = Person()
        consented(nation, person)
        app = nation.app
        assert app is not None
        token = next(one.token for one in app.visitors.values() if one.token)

        async def carried() -> list[dict[str, object]]:
            found = await nation.node.persons.store.read(lambda tx: records.token_of(tx, token))
            assert found is not None
            return [dict(one) for one in found.authority.details]

        (detail,) = nation.do(carried())
        assert (detail["type"], detail["purpose"], detail["datatypes"]) == (
            "mydata_consent",
            "loan-check",
            ["year", "wages"],
        )
        assert len(str(detail["identifier"])) == 32
        for forged in ({"identifier": detail["identifier"]}, {"datatypes": ["total"]}, {"purpose": 3}):
            said = app.relying.push([{"type": "mydata_consent", "purpose": "loan-check", **forged}])
            assert (said.status, said.body["error"]) == (400, "invalid_authorization_details")
        more = app.relying.read("/api/tax/income", {"fields": ["total"], "purpose": "088"}, token)
        assert more.status == 403, "a field that was not agreed to"
        other = app.relying.read("/api/tax/income", {"fields": ["wages"]}, token)
        assert other.status == 403, "another purpose"
        somebody = {"person": "A223456781", "fields": ["wages"], "purpose": "088"}
        assert app.relying.read("/api/tax/income", somebody, token).status == 403, "another person"
        assert app.relying.read("/api/civil/household_record", {"purpose": "088"}, token).status == 403
        thief = a_relying(nation)
        assert thief.read("/api/tax/income", {"fields": ["wages"], "purpose": "088"}, token).status == 401
