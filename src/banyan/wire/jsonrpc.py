"""JSON-RPC 2.0 messages. Source: JSON-RPC 2.0 specification (2013)."""

from __future__ import annotations

import msgspec

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602

Id = int | str


class Message(msgspec.Struct, frozen=True):
    """A request (with `id`), a notification (without), or an answer to one of ours (no `method`)."""

    jsonrpc: str
    method: str = ""
    id: Id | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def is_request(self) -> bool:
        return bool(self.method) and self.id is not msgspec.UNSET


class Error(msgspec.Struct, frozen=True):
    code: int
    message: str


class Fault(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = Error(code, message)


def decode(body: bytes) -> Message:
    """One message. Raises Fault; a batch is refused (MCP 2025-06-18 has none)."""
    try:
        message = msgspec.json.decode(body, type=Message)
    except msgspec.ValidationError as error:
        raise Fault(INVALID_REQUEST, str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Fault(PARSE_ERROR, str(error)) from None
    if message.jsonrpc != "2.0":
        raise Fault(INVALID_REQUEST, "jsonrpc must be 2.0")
    return message


def result(id: Id, value: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id, "result": value})


def failure(id: Id | None, error: Error) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id, "error": error})
