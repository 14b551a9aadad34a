"""The invariants of CDS Hooks, by the names that its logical models give them. Values in, broken rules out.

Source: HL7/cds-hooks input/fsh/invariants (cds-r-1..2, cds-resp-1..7, cds-fb-1..3), and of the text: a summary under
140 characters, and texts that are required are not blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import UNSET

from banyan.wire.cdshooks.model import SUMMARY_MOST, Action, Card, Feedback, FeedbackItem, Request, Response

BEHAVIOURS: Final = ("all", "any", "at-most-one")
Fault = tuple[str, str]
"""The invariant's name and where it is broken."""


def faults_of_request(request: Request) -> list[Fault]:
    """What the body breaks."""
    found: list[Fault] = []
    given = request.fhir_authorization
    if given is not UNSET and request.fhir_server is UNSET:
        found.append(("cds-r-1", "fhirServer"))
    if given is not UNSET and "patient/" in given.scope.lower() and given.patient is UNSET:
        found.append(("cds-r-2", "fhirAuthorization.patient"))
    return found


def faults_of_response(response: Response) -> list[Fault]:
    """What an answer breaks; empty for one that may be sent."""
    found = [fault for at, card in enumerate(response.cards) for fault in _of_card(card, f"cards.{at}")]
    if response.system_actions is not UNSET:
        found += _of_actions(response.system_actions, "systemActions")
    return found


def faults_of_feedback(feedback: Feedback) -> list[Fault]:
    return [fault for at, one in enumerate(feedback.feedback) for fault in _of_item(one, f"feedback.{at}")]


def _of_card(card: Card, at: str) -> Iterator[Fault]:
    if not card.summary.strip() or len(card.summary) > SUMMARY_MOST:
        yield "summary", f"{at}.summary"
    if not card.source.label.strip():
        yield "source", f"{at}.source.label"
    suggestions = card.suggestions if card.suggestions is not UNSET else ()
    recommended = sum(one.is_recommended is True for one in suggestions)
    if card.selection_behavior == "at-most-one" and recommended > 1:
        yield "cds-resp-1", f"{at}.suggestions"
    if suggestions and card.selection_behavior is UNSET:
        yield "cds-resp-6", f"{at}.selectionBehavior"
    for number, one in enumerate(suggestions):
        where = f"{at}.suggestions.{number}"
        actions = one.actions if one.actions is not UNSET else ()
        yield from _of_actions(actions, f"{where}.actions")
        if any(action.description is UNSET for action in actions):
            yield "cds-resp-5", f"{where}.actions"
        if one.action_selection_behavior is not UNSET and one.action_selection_behavior not in BEHAVIOURS:
            yield "cds-resp-7", f"{where}.actionSelectionBehavior"
    for number, link in enumerate(card.links if card.links is not UNSET else ()):
        if link.type != "smart" and link.app_context is not UNSET:
            yield "cds-resp-3", f"{at}.links.{number}.appContext"
    for number, reason in enumerate(card.override_reasons if card.override_reasons is not UNSET else ()):
        if reason.display is UNSET or not reason.display:
            yield "cds-resp-4", f"{at}.overrideReasons.{number}.display"


def _of_actions(actions: Sequence[Action], at: str) -> list[Fault]:
    return [
        ("cds-resp-2", f"{at}.{number}")
        for number, one in enumerate(actions)
        if one.type == "delete" and (one.resource_id is UNSET or one.resource is not UNSET)
    ]


def _of_item(item: FeedbackItem, at: str) -> Iterator[Fault]:
    if item.outcome not in ("accepted", "overridden"):
        yield "cds-fb-1", f"{at}.outcome"
    if item.outcome == "accepted" and (item.accepted_suggestions is UNSET or not item.accepted_suggestions):
        yield "cds-fb-2", f"{at}.acceptedSuggestions"
    why = item.override_reason
    if why is not UNSET and why.reason is UNSET and not (why.user_comment is not UNSET and why.user_comment.strip()):
        yield "cds-fb-3", f"{at}.overrideReason"
