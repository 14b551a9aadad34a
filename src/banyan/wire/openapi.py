"""OpenAPI 3.1 documents. Source: OpenAPI Specification 3.1.1; JSON Schema 2020-12 for the schemas.

Takes described routes and ready schemas, gives the document; knows nothing of how a route runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

VERSION = "3.1.1"
Schema = Mapping[str, object]
Json = dict[str, object]


class ApiParameter(msgspec.Struct, frozen=True):
    """A query or path parameter. `is_json`: its text is a JSON document."""

    name: str
    place: Literal["query", "path"]
    required: bool
    schema: Schema
    is_json: bool = False


class ApiRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `answer` None is a file of any type; `problems` are the statuses it may refuse with."""

    id: str
    method: str
    path: str
    tag: str
    title: str
    titles: Mapping[str, str]
    summary: str
    parameters: Sequence[ApiParameter] = ()
    body: Schema | None = None
    answer: Schema | None = None
    answer_types: Sequence[str] = ("application/json",)
    problems: Sequence[int] = ()
    security: tuple[str, ...] = ()
    """Which of the document's security schemes each open it; none: anybody may."""


class ApiInfo(msgspec.Struct, frozen=True):
    title: str
    version: str
    description: str
    server: str
    licence: str
    tags: Mapping[str, str]
    schemes: Mapping[str, Schema]
    """Security schemes by name."""


def document(info: ApiInfo, routes: Sequence[ApiRoute], components: Mapping[str, Schema]) -> bytes:
    """The encoded document."""
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return msgspec.json.encode(
        {
            "openapi": VERSION,
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {
                "title": info.title,
                "version": info.version,
                "description": info.description,
                "license": {"name": info.licence, "identifier": info.licence},
            },
            "servers": [{"url": info.server}],
            "tags": [{"name": name, "description": text} for name, text in info.tags.items()],
            "paths": paths,
            "components": {
                "schemas": {**components, "Problem": PROBLEM_SCHEMA},
                "responses": {"Problem": _PROBLEM_RESPONSE},
                "securitySchemes": dict(info.schemes),
            },
        }
    )


def _operation(route: ApiRoute) -> Json:
    described: Json = {
        "operationId": route.id,
        "tags": [route.tag],
        "summary": route.title,
        "description": route.summary,
        "x-titles": dict(route.titles),
        "responses": _responses(route),
    }
    if route.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    if route.security:
        described["security"] = [{name: []} for name in route.security]
    return described


def _parameter(parameter: ApiParameter) -> Json:
    described: Json = {"name": parameter.name, "in": parameter.place, "required": parameter.required}
    if parameter.is_json:
        described["content"] = {"application/json": {"schema": parameter.schema}}
    else:
        described["schema"] = parameter.schema
    text = parameter.schema.get("description")
    if isinstance(text, str):
        described["description"] = text
    return described


def _responses(route: ApiRoute) -> Json:
    content = {media_type: {"schema": route.answer or {}} for media_type in route.answer_types}
    responses: Json = {"200": {"description": route.title, "content": content}}
    for status in route.problems:
        responses[str(status)] = {"$ref": "#/components/responses/Problem"}
    return responses


PROBLEM_SCHEMA: Schema = {
    "type": "object",
    "title": "Problem details (RFC 9457)",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "remedy": {"type": "string", "description": "What to do next"},
        "trace": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "fix"],
                "properties": {"field": {"type": "string"}, "fix": {"type": "string"}},
            },
        },
    },
}
_PROBLEM_RESPONSE: Schema = {
    "description": "Problem details (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
