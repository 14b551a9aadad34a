"""The MCP server at `/mcp`: streamable HTTP without streams, stateless, read operations only.

Every tool is an operation that declares the `mcp` channel; its schema, title and checks are the operation's own, and
each call passes the gate. Source: Model Context Protocol 2025-06-18 (lifecycle, tools, streamable HTTP transport).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from banyan import __version__
from banyan.errors import Denied, Problem
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Operation, Service
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.exchange.binder import Binder
from banyan.kernel.exchange.describe import any_json
from banyan.kernel.exchange.explain import document
from banyan.limits import JSON_BODY_BYTES, MCP_ANSWER_BYTES
from banyan.wire import jsonrpc
from banyan.wire.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Message

MESSAGES = load_messages("banyan.channel.mcp")
VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Protocol revisions we answer in, newest first."""


class Call(msgspec.Struct, frozen=True):
    """Parameters of tools/call."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class Begin(msgspec.Struct, frozen=True, rename="camel"):
    """Parameters of initialize that we read."""

    protocol_version: str = ""


class Tools:
    """The operations offered, as MCP tools by name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        offered = [one for one in operations if "mcp" in one.channels and one.effect == "read"]
        self._operations = {one.id.replace(".", "_"): one for one in offered}
        self._binders = {name: Binder(one.request) for name, one in self._operations.items()}

    def listed(self, lang: str) -> list[Mapping[str, object]]:
        return [_tool(name, operation, lang) for name, operation in self._operations.items()]

    async def call(self, request: FaceRequest, asked: Call) -> Mapping[str, object]:
        """Run a tool. A problem is a result with `isError`, so that the model reads what to do next."""
        operation = self._operations.get(asked.name)
        if operation is None:
            raise Fault(INVALID_PARAMS, f"no tool {asked.name}")
        try:
            bound = self._binders[asked.name].from_json(bytes(asked.arguments), {})
            answer = msgspec.to_builtins(await request.call(operation.id, bound))
        except Problem as problem:
            return _said(msgspec.to_builtins(document(problem, request.lang)), is_error=True)
        if len(msgspec.json.encode(answer)) > MCP_ANSWER_BYTES:
            return _said({"title": MESSAGES.text("mcp.too_long", request.lang)}, is_error=True)
        return _said(answer, is_error=False)


def build_mcp(operations: Sequence[Operation]) -> Service:
    """The MCP face over the node's operations."""
    tools = Tools(operations)
    service = Service("mcp", title={"zh-Hant": "AI 助理介面", "en": "Assistants"}, package="banyan.channel.mcp")

    @service.face("POST", path="/mcp", rate="query", channel="mcp")
    async def mcp(request: FaceRequest) -> FaceAnswer:
        """One JSON-RPC message; 202 for what needs no answer."""
        _refuse_other_sites(request)
        message: Message | None = None
        try:
            message = jsonrpc.decode(await request.body(JSON_BODY_BYTES))
            if not message.is_request:
                return FaceAnswer(b"", status=202)
            assert not isinstance(message.id, msgspec.UnsetType), "a request has an id"
            return FaceAnswer(jsonrpc.result(message.id, await _answer(tools, request, message)))
        except Fault as fault:
            known = message.id if message is not None and not isinstance(message.id, msgspec.UnsetType) else None
            status = 400 if known is None else 200
            return FaceAnswer(jsonrpc.failure(known, fault.error), status=status)

    return service


async def _answer(tools: Tools, request: FaceRequest, message: Message) -> Mapping[str, object]:
    match message.method:
        case "initialize":
            wanted = _params(message, Begin).protocol_version
            return _begun(wanted if wanted in VERSIONS else VERSIONS[0], request.lang)
        case "ping":
            return {}
        case "tools/list":
            return {"tools": tools.listed(request.lang)}
        case "tools/call":
            return await tools.call(request, _params(message, Call))
        case _:
            raise Fault(METHOD_NOT_FOUND, f"no method {message.method}")


def _params(message: Message, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(bytes(message.params), type=kind)
    except msgspec.ValidationError as error:
        raise Fault(INVALID_PARAMS, str(error)) from None


def _begun(version: str, lang: str) -> Mapping[str, object]:
    return {
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "banyan", "title": MESSAGES.text("mcp.title", lang), "version": __version__},
        "instructions": MESSAGES.text("mcp.instructions", lang),
    }


def _tool(name: str, operation: Operation, lang: str) -> Mapping[str, object]:
    return {
        "name": name,
        "title": operation.title[lang],
        "description": operation.summary[lang],
        "inputSchema": _schema(operation.request),
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }


def _schema(request: type[msgspec.Struct]) -> Mapping[str, object]:
    """The request's JSON Schema with an object at its root, as MCP asks."""
    schema = msgspec.json.schema(request, schema_hook=any_json)
    named = dict(schema.get("$defs", {}))
    root = named.pop(str(schema["$ref"]).rpartition("/")[2])
    return {**root, "$defs": named} if named else root


def _said(answer: object, *, is_error: bool) -> Mapping[str, object]:
    structured = answer if isinstance(answer, dict) else {"result": answer}
    text = msgspec.json.encode(answer).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": is_error}


def _refuse_other_sites(request: FaceRequest) -> None:
    """A web page elsewhere must not drive this through somebody's browser (transport, security warning 1)."""
    origin = request.header("origin")
    if origin and origin.partition("://")[2] != request.header("host"):
        raise Denied(MESSAGES.text("mcp.other_site", request.lang))
