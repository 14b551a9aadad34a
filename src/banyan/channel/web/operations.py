"""The list of operations, and for each a form made from its declaration: the same words as its API and its dialogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from banyan.craft.form import Field, fields_of, read_form
from banyan.errors import FieldError, Invalid, NotFound
from banyan.kernel.catalogue import Catalogue, FaceAnswer, FaceRequest, Messages, Operation, Service, Text, View
from banyan.kernel.catalogue.messages import LANGUAGES

TITLE = {"zh-Hant": "服務項目", "en": "Operations"}
API = {"zh-Hant": "API 說明", "en": "API documentation"}
SHOWN_ROWS = 200
"""Rows of a generated answer on a page; the API gives them all."""


class OperationPages:
    """Forms of every operation that is offered on the web. `words` are the sentences of the services."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.words: Messages = Messages({})

    async def list_all(self, request: FaceRequest) -> View:
        """Every operation a person may use here, by service."""
        groups = [
            (service.title, [one for one in service.operations.values() if "web" in one.channels])
            for service in self._catalogue.services.values()
        ]
        return View("operations.html", {"groups": [group for group in groups if group[1]]}, title=TITLE[request.lang])

    async def ask(self, request: FaceRequest) -> View | FaceAnswer:
        """The form; with any answer in the query of a read, what it finds. What names a person is sent, never asked by
        an address."""
        operation = self._found(request)
        if operation.method == "GET" and request.query:
            return await self._run(request, operation, request.query)
        return self._view(request, operation, {})

    async def send(self, request: FaceRequest) -> View | FaceAnswer:
        """Run with the form's answers: a write, or a read that names a person."""
        operation = self._found(request)
        form = await request.form()
        return await self._run(request, operation, form.fields)

    async def api(self, request: FaceRequest) -> View:
        """Every operation of the API with its parameters, and the addresses other standards are spoken at."""
        operations = [one for one in self._catalogue.operations.values() if "api" in one.channels]
        standards = sorted({face.path for face in self._catalogue.faces if "GET" in face.methods})
        values = {
            "operations": [(one, self._fields(one)) for one in operations],
            "standards": standards,
            "base": request.base_url,
            "crumbs": ({"title": API[request.lang], "path": ""},),
        }
        return View("api.html", values, title=API[request.lang])

    def _found(self, request: FaceRequest) -> Operation:
        operation = self._catalogue.operations.get(request.params["operation"])
        if operation is None or "web" not in operation.channels:
            raise NotFound(request.params["operation"])
        return operation

    async def _run(
        self, request: FaceRequest, operation: Operation, answers: Sequence[tuple[str, str]]
    ) -> View | FaceAnswer:
        try:
            asked = read_form(operation.request, self._fields(operation), answers, lang=request.lang)
            answer = await request.call(operation.id, asked)
        except Invalid as invalid:
            errors = invalid.fields or (FieldError("", invalid.title),)
            return self._view(request, operation, {"values": dict(answers), "errors": errors})
        if isinstance(answer, FaceAnswer):
            return answer
        return self._view(request, operation, {"values": dict(answers), "answer": msgspec.to_builtins(answer)})

    def _view(self, request: FaceRequest, operation: Operation, more: Mapping[str, object]) -> View:
        values = {
            "operation": operation,
            "fields": self._fields(operation),
            "values": {},
            "errors": (),
            "answer": None,
            "shown_rows": SHOWN_ROWS,
            "crumbs": (
                {"title": TITLE[request.lang], "path": "/operations"},
                {"title": operation.title[request.lang], "path": ""},
            ),
            **more,
        }
        status = 422 if values["errors"] else 200
        return View("operation.html", values, title=operation.title[request.lang], status=status)

    def _fields(self, operation: Operation) -> tuple[Field, ...]:
        return fields_of(operation.request, self._word)

    def _word(self, key: str) -> Text | None:
        return {lang: self.words.text(key, lang) for lang in LANGUAGES} if key in self.words else None


def add_operation_pages(own: Service, catalogue: Catalogue) -> OperationPages:
    pages = OperationPages(catalogue)
    own.page("GET", path="/api", title=API, menu=7)(pages.api)
    own.page("GET", path="/operations", title=TITLE)(pages.list_all)
    own.page("GET", path="/operations/{operation}")(pages.ask)
    own.page("POST", path="/operations/{operation}")(pages.send)
    return pages
