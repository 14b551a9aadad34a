"""Our problems in CKAN's words: which status and `__type` a client of CKAN expects for each."""

from __future__ import annotations

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound, Problem
from banyan.wire.ckan.envelope import ActionError, Json, not_authorized, not_found, validation_error

FIELDS = {"agency": "owner_org", "licence_id": "license_id", "themes": "groups", "register": "resource_id"}
"""Our field names that CKAN calls otherwise."""


def as_action_error(problem: Problem) -> ActionError:
    """Field problems keep their fields; what CKAN has no word for is told by its status and a message."""
    if problem.status == NotFound.status:
        return not_found()
    if problem.status in (401, Denied.status):
        fixes = [error.fix for error in problem.fields]
        return not_authorized(fixes[0] if fixes else problem.title)
    if problem.status in (400, Conflict.status, Invalid.status):
        return validation_error(_fields(problem))
    message: dict[str, Json] = {"message": f"{problem.title} {problem.remedy}".strip()}
    return ActionError(problem.status, "Limit Error" if isinstance(problem, Limit) else "Service Error", message)


def _fields(problem: Problem) -> dict[str, Json]:
    if not problem.fields:
        return {"message": f"{problem.title} {problem.remedy}".strip()}
    found: dict[str, list[str]] = {}
    for error in problem.fields:
        found.setdefault(FIELDS.get(error.field, error.field), []).append(error.fix)
    # SQL refusals carry CKAN's bare sentence under `message`, which is no list there.
    return {field: fixes[0] if field == "message" else list(fixes) for field, fixes in found.items()}
