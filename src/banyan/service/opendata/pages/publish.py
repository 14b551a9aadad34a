"""Publishing from the portal: a file or an address, decisions if you like, progress, and what was guessed."""

from __future__ import annotations

from collections.abc import Sequence

from banyan.errors import FieldError, Invalid, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.service.opendata import uploads
from banyan.service.opendata.agencies import Everything
from banyan.service.opendata.asking import publish_from
from banyan.service.opendata.desk import ENDED, JobView
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.pages.resource import said
from banyan.service.opendata.pages.saying import Crumb
from banyan.service.opendata.publish import JobId, JobQuery
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.uploads import BeginUpload

TITLE = {"zh-Hant": "發布資料", "en": "Publish data"}
WAIT_S = 8.0
"""A page waits this long for a publish to end before it shows the progress: most files are done by then."""
LINES = ("type", "rename", "key", "repair", "new_column")
"""Fields of several lines, each line one value."""


@SERVICE.page("GET", path="/publish", title=TITLE, menu=6)
async def show_form(request: FaceRequest) -> View:
    """The form; without a session it says how to sign in. A query fills it (to publish a file again)."""
    return await _form(request, dict(request.query), ())


@SERVICE.page("POST", path="/publish")
async def send(request: FaceRequest) -> View:
    """Take the file, begin, and go to its progress. A refusal is told beside the form, which keeps its answers."""
    ticket = ""
    form = FormData([], [])
    try:
        form = await request.form()
        files = [file for file in form.files if file.size or file.filename]
        if files:
            ticket = (await request.call("opendata.begin_upload", BeginUpload())).file
            await uploads.put(ticket, files[0].path)
        elif not form.get("url"):
            return await _form(request, dict(form.fields), (FieldError("file", "missing"),))
        named = [("filename", files[0].filename)] if files else []
        pairs = [pair for pair in _pairs(form) if not (files and pair[0] == "url")]
        job = await request.call("opendata.begin_publish", publish_from([*named, *pairs], file=ticket))
    except Invalid as invalid:
        if ticket:
            await uploads.forget(ticket)
        return await _form(request, dict(form.fields), invalid.fields or (FieldError("", invalid.title),))
    except Problem:
        if ticket:
            await uploads.forget(ticket)
        raise
    return View("", {}, redirect=f"/publish/{job.job}", status=303)


@SERVICE.page("GET", path="/publish/{job}")
async def progress(request: FaceRequest) -> View:
    """How it stands; when it is done, the tables with everything guessed and mended."""
    job: JobView = await request.call("opendata.publish_progress", JobQuery(request.params["job"], wait_s=WAIT_S))
    tables = job.published.tables if job.published else ()
    values = {
        "job": job,
        "ended": job.state in ENDED,
        "tables": [
            (table, [(finding, *said(finding, request.lang)) for finding in table.findings]) for table in tables
        ],
        "crumbs": (Crumb(TITLE[request.lang], "/publish"), Crumb(job.filename or job.job)),
    }
    return View("opendata/publish_job.html", values, title=job.filename or TITLE[request.lang])


@SERVICE.page("POST", path="/publish/{job}")
async def cancel(request: FaceRequest) -> View:
    """Stop it; nothing half-published stays."""
    await request.form()
    await request.call("opendata.cancel_publish", JobId(request.params["job"]))
    return View("", {}, redirect=f"/publish/{request.params['job']}", status=303)


def _pairs(form: FormData) -> list[tuple[str, str]]:
    """The form's answers as a publish takes them: fields of several lines become several fields."""
    pairs: list[tuple[str, str]] = []
    for name, value in form.fields:
        if name in LINES:
            pairs += [(name, line.strip()) for line in value.splitlines() if line.strip()]
        elif name in ("tag", "theme"):
            pairs += [(name, part.strip()) for part in value.replace("、", ",").split(",") if part.strip()]
        else:
            pairs.append((name, value))
    return pairs


async def _form(request: FaceRequest, given: dict[str, str], errors: Sequence[FieldError]) -> View:
    values = {
        "given": given,
        "errors": errors,
        "agencies": await request.call("opendata.agencies", Everything()),
        "themes": await request.call("opendata.themes", Everything()),
        "licences": list(LICENCES.values()),
        "crumbs": (Crumb(TITLE[request.lang]),),
    }
    return View("opendata/publish.html", values, title=TITLE[request.lang], status=422 if errors else 200)
