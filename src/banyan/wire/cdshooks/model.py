"""CDS Hooks in its own words. What is optional and absent is omitted, never null (2.0.1, overview).

Source: https://cds-hooks.hl7.org/2.0/ and its logical models CDSHooksServices, -Request, -Response, -Feedback.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from banyan.limits_travel import CDS_FEEDBACK

SUMMARY_MOST: Final = 139
"""A summary has fewer than 140 characters."""
UUID: Final = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
Uuid = Annotated[str, msgspec.Meta(pattern=UUID)]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=4_096, pattern=r"\S")]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2_048, pattern=r"^https?://[^\s/?#]+\S*$")]
Indicator = Literal["info", "warning", "critical"]


class _Word(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Extensions and what a later version adds are passed over."""


class Coding(_Word, frozen=True):
    code: str | UnsetType = UNSET
    system: str | UnsetType = UNSET
    display: str | UnsetType = UNSET


class Service(_Word, frozen=True):
    """One entry of discovery."""

    hook: str
    description: str
    id: str
    title: str | UnsetType = UNSET
    prefetch: dict[str, str] | UnsetType = UNSET
    usage_requirements: str | UnsetType = UNSET


class Services(msgspec.Struct, frozen=True):
    services: tuple[Service, ...]


class Authorization(msgspec.Struct, frozen=True):
    """The token by which the service may read the client's FHIR server."""

    access_token: Said
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, msgspec.Meta(ge=0)]
    scope: Said
    subject: Said
    patient: str | UnsetType = UNSET


class PatientView(_Word, frozen=True):
    """The context of the hook patient-view 1.0."""

    user_id: Annotated[
        str, msgspec.Meta(pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}$")
    ]
    patient_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
    encounter_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9\-.]{1,64}$")] | UnsetType = UNSET


class Request(_Word, frozen=True):
    """A call of a service. `prefetch` holds FHIR resources, or null where the client found none."""

    hook: Said
    hook_instance: Uuid
    context: PatientView
    fhir_server: Url | UnsetType = UNSET
    fhir_authorization: Authorization | UnsetType = UNSET
    prefetch: dict[str, Any] = {}


class Action(_Word, frozen=True):
    type: Literal["create", "update", "delete"]
    description: str | UnsetType = UNSET
    resource: dict[str, Any] | UnsetType = UNSET
    resource_id: str | UnsetType = UNSET


class Suggestion(_Word, frozen=True):
    label: str
    uuid: str | UnsetType = UNSET
    is_recommended: bool | UnsetType = UNSET
    actions: tuple[Action, ...] | UnsetType = UNSET
    action_selection_behavior: str | UnsetType = UNSET


class Source(_Word, frozen=True):
    label: str
    url: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    topic: Coding | UnsetType = UNSET


class Link(_Word, frozen=True):
    label: str
    url: str
    type: Literal["absolute", "smart"]
    app_context: str | UnsetType = UNSET


class Card(_Word, frozen=True):
    summary: str
    indicator: Indicator
    source: Source
    uuid: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    suggestions: tuple[Suggestion, ...] | UnsetType = UNSET
    selection_behavior: Literal["at-most-one", "any"] | UnsetType = UNSET
    override_reasons: tuple[Coding, ...] | UnsetType = UNSET
    links: tuple[Link, ...] | UnsetType = UNSET


class Response(_Word, frozen=True):
    cards: tuple[Card, ...]
    system_actions: tuple[Action, ...] | UnsetType = UNSET


class OverrideReason(_Word, frozen=True):
    reason: Coding | UnsetType = UNSET
    user_comment: Annotated[str, msgspec.Meta(max_length=2_000)] | UnsetType = UNSET


class Accepted(msgspec.Struct, frozen=True):
    id: Said


class FeedbackItem(_Word, frozen=True):
    """What a clinician did with one card."""

    card: Uuid
    outcome: str
    outcome_timestamp: Annotated[
        str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")
    ]
    accepted_suggestions: tuple[Accepted, ...] | UnsetType = UNSET
    override_reason: OverrideReason | UnsetType = UNSET


class Feedback(msgspec.Struct, frozen=True):
    feedback: Annotated[tuple[FeedbackItem, ...], msgspec.Meta(min_length=1, max_length=CDS_FEEDBACK)]
