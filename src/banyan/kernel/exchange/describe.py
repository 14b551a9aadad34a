"""The API's description: OpenAPI 3.1 from the catalogue, in one language, with both languages' titles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from banyan import __version__
from banyan.kernel.catalogue.catalogue import Catalogue
from banyan.kernel.catalogue.operation import FaceAnswer, Operation
from banyan.kernel.exchange.binder import parameters_of
from banyan.kernel.exchange.explain import MESSAGES
from banyan.kernel.exchange.ways import security_of
from banyan.wire.openapi import ApiInfo, ApiParameter, ApiRoute, Schema, document

_REF: Final = "#/components/schemas/"
_FIELD: Final = re.compile(r"\{(\w+)\}")
_QUERY_TEXT: Final = "^[^\\u0000]*$"
_PATH_TEXT: Final = r"^[^/\\\u0000.][^/\\\u0000]*$"


def api_document(catalogue: Catalogue, server: str, lang: str) -> bytes:
    """The document of every operation that the `api` channel offers, and of those that a face of their own sends."""
    operations = [*catalogue.of_channel("api"), *catalogue.of_channel("feed")]
    schemas, components = _schemas(operations)
    routes = [_route(operation, schemas, components, lang) for operation in operations]
    info = ApiInfo(
        title=MESSAGES.text("api.title", lang),
        version=__version__,
        description=MESSAGES.text("api.description", lang),
        server=server,
        schemes=_schemes(server),
        licence="OGDL-Taiwan-1.0",
        tags={name: service.title[lang] for name, service in catalogue.services.items()},
    )
    return document(info, routes, components)


def _schemas(operations: Sequence[Operation]) -> tuple[Mapping[Any, Schema], dict[str, Schema]]:
    """Schemas of all request and answer types by type, and the named components they refer to."""
    types = [type_ for operation in operations for type_ in (operation.request, operation.answer)]
    wanted = [type_ for type_ in dict.fromkeys(types) if not _is_file(type_)]
    found, components = msgspec.json.schema_components(wanted, ref_template=_REF + "{name}", schema_hook=any_json)
    return dict(zip(wanted, map(_plain, found), strict=True)), {name: _plain(part) for name, part in components.items()}


def _plain(schema: Any) -> Any:
    """The schema with pairs as arrays of two: `prefixItems` is legal in 3.1, but common tools stop at it."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items() if key != "prefixItems"}
    if "prefixItems" in schema:
        kinds = [_plain(part) for part in schema["prefixItems"]]
        plain["items"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else {"anyOf": kinds}
    return plain


def any_json(kind: type) -> dict[str, object]:
    """The schema of `object`: any JSON value. Other custom types describe themselves or fail at start."""
    if kind is object:
        return {"description": "any JSON"}
    raise NotImplementedError


def _is_file(answer: object) -> bool:
    return answer is FaceAnswer


def _route(
    operation: Operation, schemas: Mapping[Any, Schema], components: Mapping[str, Schema], lang: str
) -> ApiRoute:
    fields = components[str(schemas[operation.request]["$ref"]).removeprefix(_REF)]
    path_fields = _FIELD.findall(operation.path)
    is_write = operation.effect == "write"
    parameters = _parameters(operation, fields, path_fields)
    if is_write:
        parameters = [parameter for parameter in parameters if parameter.place == "path"]
    return ApiRoute(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        tag=operation.id.partition(".")[0],
        title=operation.title[lang],
        titles=operation.title,
        summary=operation.summary[lang],
        parameters=parameters,
        body=_body(schemas[operation.request], fields, path_fields) if is_write else None,
        answer=None if _is_file(operation.answer) else schemas[operation.answer],
        answer_types=("*/*",) if _is_file(operation.answer) else ("application/json",),
        problems=(400, 401, 403, 404, 409, 413, 414, 415, 422, 429, 503, 504, 507)
        if is_write
        else (400, 401, 403, 404, 409, 410, 413, 414, 422, 429, 503, 504),
        security=security_of(operation),
    )


def _schemes(server: str) -> dict[str, Schema]:
    """The administrator's token, a person's sign-in, an app's DPoP-bound token (RFC 9449)."""
    cookie = "__Host-openid" if server.startswith("https:") else "openid"
    return {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "app": {"type": "http", "scheme": "dpop"},
    }


def _parameters(operation: Operation, fields: Schema, path_fields: Sequence[str]) -> list[ApiParameter]:
    properties, required = fields.get("properties", {}), fields.get("required", [])
    assert isinstance(properties, Mapping), "an object schema has properties"
    assert isinstance(required, Sequence), "required is a list"
    shapes = parameters_of(operation.request)
    return [
        ApiParameter(
            name=name,
            place="path" if name in path_fields else "query",
            required=name in path_fields or name in required,
            schema=_readable(schema, _PATH_TEXT if name in path_fields else _QUERY_TEXT),
            is_json=shapes[name].shape == "json",
        )
        for name, schema in properties.items()
    ]


def _readable(schema: Schema, pattern: str) -> Schema:
    """A free text in an address may hold neither NUL nor, in a path, a slash; say so."""
    if schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum", "const"}:
        return {**schema, "pattern": pattern}
    items = schema.get("items")
    if isinstance(items, Mapping):
        return {**schema, "items": _readable(items, pattern)}
    return schema


def _body(schema: Schema, fields: Schema, path_fields: Sequence[str]) -> Schema:
    """The request's schema without what the path gives."""
    if not path_fields:
        return schema
    properties, required = fields.get("properties", {}), fields.get("required", [])
    assert isinstance(properties, Mapping), "an object schema has properties"
    assert isinstance(required, Sequence), "required is a list"
    return {
        **fields,
        "properties": {name: field for name, field in properties.items() if name not in path_fields},
        "required": [name for name in required if name not in path_fields],
    }
