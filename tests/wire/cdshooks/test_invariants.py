"""The invariants of HL7/cds-hooks input/fsh/invariants, each with what keeps it and what breaks it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from banyan.limits_travel import CDS_BODY
from banyan.wire.cdshooks import (
    Response,
    Services,
    Unreadable,
    encode,
    faults_of_feedback,
    faults_of_request,
    faults_of_response,
    read_feedback,
    read_request,
)
from banyan.wire.cdshooks.model import Card, Feedback, Request, Service, Source

HOOK = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ASKED: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": HOOK,
    "context": {"userId": "Practitioner/example", "patientId": "1288992"},
    "prefetch": {"patient": {"resourceType": "Patient"}, "nothing": None},
}
TOKEN: dict[str, Any] = {
    "access_token": "some", "token_type": "Bearer", "expires_in": 300, "scope": "user/Patient.read", "subject": "cds4",
}  # fmt: skip
CARD: dict[str, Any] = {"summary": "s", "indicator": "info", "source": {"label": "l"}}
DONE: dict[str, Any] = {"card": HOOK, "outcome": "overridden", "outcomeTimestamp": "2026-11-27T02:00:00Z"}


def names_of_card(**more: Any) -> set[str]:
    return {name for name, _ in faults_of_response(msgspec.convert({"cards": [{**CARD, **more}]}, Response))}


def names_of_feedback(**more: Any) -> set[str]:
    return {name for name, _ in faults_of_feedback(msgspec.convert({"feedback": [{**DONE, **more}]}, Feedback))}


def names_of_request(**more: Any) -> set[str]:
    return {name for name, _ in faults_of_request(msgspec.convert({**ASKED, **more}, Request))}


def suggestion(**more: Any) -> dict[str, Any]:
    return {"label": "l", **more}


def test_cds_r_1_an_authorization_needs_a_server() -> None:
    assert names_of_request(fhirAuthorization=TOKEN) == {"cds-r-1"}
    assert not names_of_request(fhirAuthorization=TOKEN, fhirServer="https://ehr.example/fhir")
    assert not names_of_request()


def test_cds_r_2_a_patient_scope_names_the_patient() -> None:
    narrow = {**TOKEN, "scope": "patient/Patient.read"}
    server = "https://ehr.example/fhir"
    assert names_of_request(fhirAuthorization=narrow, fhirServer=server) == {"cds-r-2"}
    assert not names_of_request(fhirAuthorization={**narrow, "patient": "1288992"}, fhirServer=server)


def test_cds_resp_1_at_most_one_is_recommended() -> None:
    twice = [suggestion(isRecommended=True), suggestion(isRecommended=True)]
    assert names_of_card(suggestions=twice, selectionBehavior="at-most-one") == {"cds-resp-1"}
    assert not names_of_card(suggestions=twice, selectionBehavior="any")
    assert not names_of_card(suggestions=twice[:1], selectionBehavior="at-most-one")


def test_cds_resp_2_a_deletion_names_a_resource_and_holds_none() -> None:
    def of(action: dict[str, Any]) -> set[str]:
        action = {"description": "d", **action}
        return names_of_card(suggestions=[suggestion(actions=[action])], selectionBehavior="any")

    assert of({"type": "delete"}) == {"cds-resp-2"}
    assert of({"type": "delete", "resourceId": "Flag/1", "resource": {}}) == {"cds-resp-2"}
    assert not of({"type": "delete", "resourceId": "Flag/1"})
    assert not of({"type": "create", "resource": {"resourceType": "Flag"}})


def test_cds_resp_2_holds_for_system_actions_too() -> None:
    answer = msgspec.convert({"cards": [], "systemActions": [{"type": "delete"}]}, Response)
    assert {name for name, _ in faults_of_response(answer)} == {"cds-resp-2"}


def test_cds_resp_3_a_context_is_for_smart_apps() -> None:
    link = {"label": "l", "url": "https://x.example", "appContext": "c"}
    assert names_of_card(links=[{**link, "type": "absolute"}]) == {"cds-resp-3"}
    assert not names_of_card(links=[{**link, "type": "smart"}])


def test_cds_resp_4_reasons_are_readable() -> None:
    assert names_of_card(overrideReasons=[{"code": "a"}]) == {"cds-resp-4"}
    assert not names_of_card(overrideReasons=[{"code": "a", "display": "A"}])


def test_cds_resp_5_actions_are_described() -> None:
    action = {"type": "create", "resource": {"resourceType": "Flag"}}
    assert names_of_card(suggestions=[suggestion(actions=[action])], selectionBehavior="any") == {"cds-resp-5"}


def test_cds_resp_6_suggestions_say_how_they_are_chosen() -> None:
    assert names_of_card(suggestions=[suggestion()]) == {"cds-resp-6"}
    assert not names_of_card(suggestions=[])


@pytest.mark.parametrize(("behaviour", "broken"), [("all", False), ("any", False), ("at-most-one", False), ("x", True)])
def test_cds_resp_7_how_actions_are_chosen(behaviour: str, broken: bool) -> None:
    found = names_of_card(suggestions=[suggestion(actionSelectionBehavior=behaviour)], selectionBehavior="any")
    assert found == ({"cds-resp-7"} if broken else set())


def test_cds_fb_1_an_outcome_is_one_of_two() -> None:
    assert names_of_feedback(outcome="ignored") == {"cds-fb-1"}
    assert not names_of_feedback()


def test_cds_fb_2_what_was_accepted_is_named() -> None:
    assert names_of_feedback(outcome="accepted") == {"cds-fb-2"}
    assert names_of_feedback(outcome="accepted", acceptedSuggestions=[]) == {"cds-fb-2"}
    assert not names_of_feedback(outcome="accepted", acceptedSuggestions=[{"id": "1"}])


def test_cds_fb_3_an_override_says_why() -> None:
    assert names_of_feedback(overrideReason={}) == {"cds-fb-3"}
    assert not names_of_feedback(overrideReason={"userComment": "know it"})
    assert not names_of_feedback(overrideReason={"reason": {"code": "contested", "display": "d"}})


@pytest.mark.parametrize(("length", "broken"), [(139, False), (140, True)])
def test_a_summary_has_under_140_characters(length: int, broken: bool) -> None:
    assert names_of_card(summary="疫" * length) == ({"summary"} if broken else set())


def test_a_source_has_a_label() -> None:
    assert names_of_card(source={"label": " "}) == {"source"}


def test_an_answer_of_ours_that_breaks_one_is_not_sent() -> None:
    with pytest.raises(AssertionError, match="breaks"):
        encode(Response((Card("x" * 140, "info", Source("l")),)))


def test_what_is_absent_is_omitted_and_an_empty_answer_is_whole() -> None:
    assert encode(Response(())) == b'{"cards":[]}'
    assert encode(Services((Service("patient-view", "d", "x"),))) == (
        b'{"services":[{"hook":"patient-view","description":"d","id":"x"}]}'
    )


def test_a_request_is_read() -> None:
    read = read_request(msgspec.json.encode({**ASKED, "extension": {"anything": 1}}))
    assert (read.hook, read.context.user_id, read.prefetch["nothing"]) == ("patient-view", "Practitioner/example", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hookInstance": "1"},
        {"hook": None},
        {"hook": "  "},
        {"context": {"userId": "Organization/1", "patientId": "1"}},
        {"context": {"userId": "Practitioner/1", "patientId": "../Patient/2"}},
        {"context": {"userId": "Practitioner/1"}},
        {"fhirServer": "file:///etc/passwd"},
        {"fhirServer": None},
        {"fhirAuthorization": {**TOKEN, "token_type": "MAC"}, "fhirServer": "https://a.example"},
        {"fhirAuthorization": TOKEN},
    ],
)
def test_what_is_no_request_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_request(msgspec.json.encode({**ASKED, **wrong}))


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * (CDS_BODY + 1)])
def test_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_request(body)


@pytest.mark.parametrize("wrong", [{"card": "x"}, {"outcomeTimestamp": "yesterday"}, {"outcome": "accepted"}])
def test_what_is_no_feedback_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_feedback(msgspec.json.encode({"feedback": [{**DONE, **wrong}]}))


def test_feedback_is_read() -> None:
    assert read_feedback(msgspec.json.encode({"feedback": [DONE]})).feedback[0].card == HOOK
