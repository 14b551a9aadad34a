"""The HTTP face of the Action API: `/api/3`, `/api/3/action/NAME` and `/api/action/NAME`.

Reads by GET or POST, writes by POST; JSONP; the envelope around every answer and every error.
"""

from __future__ import annotations

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits import CKAN_ACTION_S, CKAN_BODY_BYTES, JSON_BODY_BYTES
from banyan.service.opendata.ckan.action import ACTIONS, Action, Ask, RawJson
from banyan.service.opendata.ckan.errors import as_action_error
from banyan.service.opendata.service import SERVICE
from banyan.wire.ckan import envelope
from banyan.wire.ckan import request as reading
from banyan.wire.ckan.envelope import ActionError, BadRequest


@SERVICE.face("GET", "HEAD", path="/api/3")
async def version(request: FaceRequest) -> FaceAnswer:
    """`{"version": 3}`, by which clients know the API."""
    return FaceAnswer(envelope.encode({"version": 3}), media_type=envelope.MEDIA_TYPE)


@SERVICE.face("GET", "HEAD", "POST", path="/api/3/action/{name}", time_s=CKAN_ACTION_S)
async def run_action(request: FaceRequest) -> FaceAnswer:
    return await answer(request)


@SERVICE.face("GET", "HEAD", "POST", path="/api/action/{name}", time_s=CKAN_ACTION_S)
async def run_action_without_version(request: FaceRequest) -> FaceAnswer:
    """The form that ckanapi and frictionless use."""
    return await answer(request)


async def answer(request: FaceRequest) -> FaceAnswer:
    """Run the action that the path names. Never raises what a client of CKAN could not read."""
    name = request.params["name"]
    try:
        found = ACTIONS.get(name)
        if found is None:
            raise reading.unknown_action(name[:100])
        ask, callback = await _asked(request, found)
        body = await _run(found, ask)
    except BadRequest as error:
        return FaceAnswer(envelope.bare(str(error)), media_type=envelope.MEDIA_TYPE, status=error.status)
    except ActionError as error:
        body = envelope.failure(request.base_url, name, error)
        return FaceAnswer(body, media_type=envelope.MEDIA_TYPE, status=error.status)
    if callback:
        return FaceAnswer(envelope.jsonp(callback, body), media_type=envelope.JSONP_MEDIA_TYPE)
    return FaceAnswer(body, media_type=envelope.MEDIA_TYPE)


async def _run(action: Action, ask: Ask) -> bytes:
    if not action.is_read and not ask.request.caller.may_write:
        raise envelope.not_authorized(f"User  not authorized to {action.needs}")
    try:
        result = await action.run(ask)
    except Problem as problem:
        raise as_action_error(problem) from problem
    if isinstance(result, RawJson):
        return envelope.success_raw(ask.site_url, action.name, result.text)
    return envelope.success(ask.site_url, action.name, result)


async def _asked(request: FaceRequest, action: Action) -> tuple[Ask, str]:
    """The call's parameters, and the JSONP function if any. Raises BadRequest."""
    if request.method in reading.READ_METHODS:
        call = reading.from_query(request.query, reads_only=action.is_read)
        if call.callback and request.caller.kind != "anonymous":
            # A page elsewhere could read through the reader's own session: JSONP answers nobody in particular.
            raise BadRequest("JSON Error: Send a JSONP request without a token or a session")
        return Ask(request, call.params), call.callback
    content_type = request.header("content-type")
    if content_type.startswith("multipart/form-data"):
        if not request.caller.may_write:
            if action.is_read:
                raise BadRequest("JSON Error: Send the parameters as JSON")
            raise envelope.not_authorized(f"User  not authorized to {action.needs}")
        form = await request.form()
        return Ask(request, reading.from_pairs(form.fields), tuple(form.files)), ""
    body = await request.body(CKAN_BODY_BYTES if request.caller.may_write else JSON_BODY_BYTES)
    params = reading.from_body(body, content_type, request.query, reads_only=action.is_read)
    return Ask(request, params), ""
