"""The table of actions: what each is called, what it does, and the function that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from banyan.kernel.catalogue.operation import FaceRequest, Text, UploadedFile
from banyan.wire.ckan.envelope import Json
from banyan.wire.ckan.values import Reader


class Ask(msgspec.Struct, frozen=True):
    """One action call: the HTTP request it came in, its parameters, and the files of a multipart form."""

    request: FaceRequest
    params: Mapping[str, Json]
    files: tuple[UploadedFile, ...] = ()

    @property
    def site_url(self) -> str:
        return self.request.base_url

    def reader(self) -> Reader:
        return Reader(self.params)

    async def call(self, operation: str, request: msgspec.Struct) -> Any:
        """Run one of our operations as the caller."""
        return await self.request.call(f"opendata.{operation}", request)


class RawJson(msgspec.Struct, frozen=True):
    """A result that is JSON already: rows in UTF-8, encoded once."""

    text: bytes


Run = Callable[[Ask], Awaitable[Json | RawJson]]
RunT = TypeVar("RunT", bound=Run)


class Action(msgspec.Struct, frozen=True):
    """`needs` is what a writing action asks for, in CKAN's words: `User  not authorized to <needs>`."""

    name: str
    help: Text
    params: str
    needs: str
    run: Run

    @property
    def is_read(self) -> bool:
        return not self.needs


ACTIONS: dict[str, Action] = {}


def action(name: str, zh: str, en: str, *, params: str = "", needs: str = "") -> Callable[[RunT], RunT]:
    """Register an action. It only registers: the function stays as it is."""

    def register(run: RunT) -> RunT:
        assert name not in ACTIONS, f"action {name} is declared twice"
        ACTIONS[name] = Action(name, {"zh-Hant": zh, "en": en}, params, needs, run)
        return run

    return register
