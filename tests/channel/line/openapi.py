"""Run in .venv-peers: LINE's Messaging API as an OpenAPI 3.1 document, read out of LINE's own SDK.

`openapi.py FILE` writes it. LINE's openapi file itself is in no package registry, but line-bot-sdk is generated from
it and holds all that it says: models are pydantic's, with lengths and what is required; kinds of a message or a
component are a map in their base class; enumerations and patterns are validators in the source; path, method, body,
headers and statuses of each operation are in its method's source. Nothing is typed here by hand but one thing: an
object has no fields that its model does not know, for a field misspelt would else be taken and lost.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linebot.v3.messaging import models
from linebot.v3.messaging.api.messaging_api import MessagingApi
from pydantic.v1 import BaseModel
from pydantic.v1.schema import schema

Json = dict[str, Any]
REFERENCE = "#/components/schemas/"
CALLS = "_with_http_info"
MODELS = {
    name: one for name, one in vars(models).items() if inspect.isclass(one) and issubclass(one, BaseModel)
}  # fmt: skip


# Models


def schemas() -> dict[str, Json]:
    """Every model by name, as JSON Schema."""
    found: dict[str, Json] = schema([*MODELS.values()], by_alias=True, ref_prefix=REFERENCE)["definitions"]
    kinds = {name: kinds_of(model) for name, model in MODELS.items()}
    for name, model in MODELS.items():
        made = found[name]
        made["additionalProperties"] = False
        for field, known in checked(model):
            made["properties"][field] |= known
    for name, (field, members) in kinds.items():
        for kind, member in members.items():
            found[member]["properties"][field] = {"const": kind}
            found[member]["required"] = sorted({*found[member].get("required", ()), field})
        if members:
            mapping = {kind: REFERENCE + member for kind, member in members.items()}
            found[name] = {
                "oneOf": [{"$ref": one} for one in mapping.values()],
                "discriminator": {"propertyName": field, "mapping": mapping},
            }
    return found


def kinds_of(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """The field that tells the kinds of a model apart, and the model of each; none for a model that is one itself."""
    own = vars(model)
    prefix = f"_{model.__name__}__discriminator_"
    return own.get(prefix + "property_name", ""), own.get(prefix + "value_class_map", {})


def checked(model: type[BaseModel]) -> Iterator[tuple[str, Json]]:
    """Of the validators in a model's source: each field, with its enumeration or pattern."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(made, ast.ClassDef)
    for method in made.body:
        if isinstance(method, ast.FunctionDef) and method.name.endswith(
            ("_validate_enum", "_validate_regular_expression")
        ):
            (named,) = [one for one in method.decorator_list if isinstance(one, ast.Call)]
            field = model.__fields__[ast.literal_eval(named.args[0])]
            alone = field.outer_type_ is field.type_  # a list's members are checked one by one
            for node in ast.walk(method):
                known: Json = {}
                if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn):
                    one_or_more = ast.literal_eval(node.comparators[0])
                    known = {"enum": [one_or_more] if isinstance(one_or_more, str) else [*one_or_more]}
                elif isinstance(node, ast.Call) and ast.unparse(node.func) == "re.match":
                    known = {"pattern": ast.literal_eval(node.args[0])}
                if known:
                    yield field.alias, known if alone else {"items": {"type": "string"} | known}


# Operations


def paths() -> dict[str, Json]:
    """Every operation that sends messages: its body's model has a list of them, and its statuses are told."""
    found: dict[str, Json] = {}
    for name, method in inspect.getmembers(MessagingApi, inspect.isfunction):
        if name.endswith(CALLS):
            path, verb, told = operation(inspect.unwrap(method))
            model = told.pop("model", None)
            if model in MODELS and "messages" in MODELS[model].__fields__ and told["responses"]:
                found.setdefault(path, {})[verb.lower()] = {"operationId": name.removesuffix(CALLS)} | told
    return found


def operation(method: Any) -> tuple[str, str, Json]:
    """Path, method, and what OpenAPI says of one, from the source of the call."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(method))).body
    assert isinstance(made, ast.FunctionDef)
    said = {one.arg: ast.unparse(one.annotation) for one in made.args.args if one.annotation}
    told: Json = {"parameters": [], "responses": {}}
    path = verb = ""
    for node in ast.walk(made):
        match node:
            case ast.Assign(targets=[ast.Name("_body_params")], value=ast.Subscript(slice=ast.Constant(str(argument)))):
                kind = said[argument].removeprefix("Optional[").removesuffix("]")
                content = {"application/json": {"schema": {"$ref": REFERENCE + kind}}}
                told |= {"model": kind, "requestBody": {"required": kind == said[argument], "content": content}}
            case ast.Assign(
                targets=[ast.Subscript(ast.Name("_header_params" | "_path_params" as where), ast.Constant(str(name)))],
                value=ast.Subscript(ast.Name("_params"), ast.Constant(str())),
            ):
                place = where.removeprefix("_").removesuffix("_params")
                told["parameters"].append(
                    {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
                )
            case ast.Assign(targets=[ast.Name("_auth_settings")], value=schemes):
                told["security"] = [{scheme: []} for scheme in ast.literal_eval(schemes)]
            case ast.Assign(targets=[ast.Name("_response_types_map")], value=ast.Dict() as statuses):
                told["responses"] = {status: answer(kind) for status, kind in ast.literal_eval(statuses).items()}
            case ast.Call(func=ast.Attribute(attr="call_api"), args=[ast.Constant(path), ast.Constant(verb), *_]):
                pass
    return path, verb, told


def answer(kind: str | None) -> Json:
    """A status without a model answers an empty object."""
    shape = {"$ref": REFERENCE + kind} if kind in MODELS else {"type": "object"}
    return {"description": kind or "", "content": {"application/json": {"schema": shape}}}


def reached(asked: Json, known: dict[str, Json]) -> dict[str, Json]:
    """The schemas that are referred to, directly or not: Prism works on each of the others in vain."""
    found: dict[str, Json] = {}
    todo = [asked]
    while todo:
        for name in re.findall(f'"{REFERENCE}([^"]+)"', json.dumps(todo.pop())):
            if name not in found:
                found[name] = known[name]
                todo.append(known[name])
    return found


def document() -> Json:
    sdk = importlib.import_module("linebot.__about__")
    asked = paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": "LINE Messaging API", "version": f"line-bot-sdk {sdk.__version__}"},
        "paths": asked,
        "components": {
            "schemas": reached(asked, schemas()),
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), ensure_ascii=False, indent=1), encoding="utf-8")
