"""The way in over HTTP: `POST /api/opendata/upload`, a form with a file or the bare bytes; both go straight to disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import unquote

import msgspec

from banyan.errors import Invalid, Limit
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits import JOB_WAIT_S, UPLOAD_BYTES
from banyan.service.opendata import uploads
from banyan.service.opendata.asking import publish_from
from banyan.service.opendata.desk import ENDED, JobView
from banyan.service.opendata.publish import JobQuery, Publish
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.uploads import BeginUpload
from banyan.service.opendata.wording import refusal

_FILENAME = re.compile(r"""filename\*=UTF-8''([^;]+)|filename="?([^";]+)"?""", re.IGNORECASE)


@SERVICE.face("POST", path="/api/opendata/upload")
async def upload(request: FaceRequest) -> FaceAnswer:
    """Receive a file and publish it. 201 with the job when it is served within JOB_WAIT_S, else 202 and where to ask.

    The publish's fields stand in the query or in the form (asking.py); a bare body is named by `filename` in the query
    or by Content-Disposition. `wait=0` answers at once.
    """
    ticket = (await request.call("opendata.begin_upload", BeginUpload())).file
    try:
        asked, wait = await _received(request, ticket)
        job = await request.call("opendata.begin_publish", asked)
    except BaseException:
        await uploads.forget(ticket)
        raise
    if wait:
        job = await _ended(request, job)
    return _answer(request, job)


@SERVICE.face("GET", path="/api/opendata/publish_stream/{job}")
async def publish_stream(request: FaceRequest) -> FaceAnswer:
    """The steps of a publish as server-sent events: `event: STATE`, the job as data; ends when the job does."""
    first = await request.call("opendata.publish_progress", JobQuery(request.params["job"]))
    return FaceAnswer(_steps(request, first), media_type="text/event-stream", headers=(("Cache-Control", "no-store"),))


async def _steps(request: FaceRequest, job: JobView) -> AsyncIterator[bytes]:
    while True:
        yield b"event: %s\ndata: %s\n\n" % (job.state.encode(), msgspec.json.encode(job))
        if job.state in ENDED:
            return
        job = await request.call("opendata.publish_progress", JobQuery(job.job, wait_s=JOB_WAIT_S))


async def _received(request: FaceRequest, ticket: str) -> tuple[Publish, bool]:
    """The file at its ticket's place, and what is asked of it."""
    fields = [pair for pair in request.query if pair[0] != "wait"]
    wait = ("wait", "0") not in request.query
    if request.header("content-type").startswith("multipart/form-data"):
        form = await request.form()
        files = [file for file in form.files if file.size or file.filename]
        if len(files) != 1:
            raise refusal(Invalid, "publish.one_file", field="file")
        await uploads.put(ticket, files[0].path)
        fields += [pair for pair in form.fields if pair[0] not in ("csrf", "csrf_token", "wait", "url")]
        return publish_from([("filename", files[0].filename), *fields], file=ticket), wait
    if not any(name == "filename" for name, _ in fields):
        fields.append(("filename", _named(request.header("content-disposition"))))
    asked = publish_from(fields, file=ticket)
    await _written(request, ticket)
    return asked, wait


async def _written(request: FaceRequest, ticket: str) -> None:
    path = uploads.path_of(ticket)
    assert path is not None, "a ticket has a place until it is forgotten"
    size = 0
    file: BinaryIO = await asyncio.to_thread(path.open, "wb")
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > UPLOAD_BYTES:
                raise refusal(Limit, "fetch.too_large", most=UPLOAD_BYTES >> 30)
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)


async def _ended(request: FaceRequest, job: JobView) -> JobView:
    """The job as it stands when it ends, or after JOB_WAIT_S."""
    until = asyncio.get_running_loop().time() + JOB_WAIT_S
    while job.state not in ENDED and (left := until - asyncio.get_running_loop().time()) > 0:
        job = await request.call("opendata.publish_progress", JobQuery(job.job, wait_s=left))
    return job


def _answer(request: FaceRequest, job: JobView) -> FaceAnswer:
    if job.refusal is not None:
        raise job.refusal.problem()
    progress = ("Location", f"{request.base_url}/api/opendata/publish_progress/{job.job}")
    if job.published is None:
        return FaceAnswer(msgspec.json.encode(job), status=202, headers=(progress,))
    page = ("Location", f"{request.base_url}{job.published.page}")
    return FaceAnswer(msgspec.json.encode(job), status=201, headers=(page,))


def _named(disposition: str) -> str:
    found = _FILENAME.search(disposition)
    return unquote(found.group(1) or found.group(2)) if found else ""
