"""CDS Hooks 2.0.1: what a record system asks a decision service at a hook, and the cards it is answered."""

from banyan.wire.cdshooks.checking import faults_of_feedback, faults_of_request, faults_of_response
from banyan.wire.cdshooks.model import (
    Action,
    Authorization,
    Card,
    Coding,
    Feedback,
    FeedbackItem,
    Link,
    OverrideReason,
    PatientView,
    Request,
    Response,
    Service,
    Services,
    Source,
    Suggestion,
)
from banyan.wire.cdshooks.reading import Unreadable, encode, read_feedback, read_request
from banyan.wire.cdshooks.tokens import Claims, Untrusted, peek, signed, verified

__all__ = [
    "Action",
    "Authorization",
    "Card",
    "Claims",
    "Coding",
    "Feedback",
    "FeedbackItem",
    "Link",
    "OverrideReason",
    "PatientView",
    "Request",
    "Response",
    "Service",
    "Services",
    "Source",
    "Suggestion",
    "Unreadable",
    "Untrusted",
    "encode",
    "faults_of_feedback",
    "faults_of_request",
    "faults_of_response",
    "peek",
    "read_feedback",
    "read_request",
    "signed",
    "verified",
]
