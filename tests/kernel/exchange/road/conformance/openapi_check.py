"""Run by .venv-peers: answers (JSON lines on standard input) held to an OpenAPI document's schemas by `jsonschema`.

    .venv-peers/bin/python openapi_check.py SPECIFICATION.yaml < answers.jsonl

A line: {"path": template, "verb": "get", "status": 200, "type": "application/json", "body": ...}. Prints what fails.
"""

import json
import sys

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:specification"


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        document = yaml.safe_load(file)
    registry = Registry().with_resource(ROOT, Resource.from_contents(document, default_specification=DRAFT202012))
    failed = checked = 0
    for line in sys.stdin:
        answer = json.loads(line)
        answers = document["paths"][answer["path"]][answer["verb"]]["responses"]
        told = answers.get(str(answer["status"]))
        name = f"{answer['verb']} {answer['path']} {answer['status']}"
        if told is None:
            print(f"{name}: the specification has no such status, only {sorted(answers)}")  # noqa: T201
            failed += 1
            continue
        content = told.get("content")
        if content is None:
            continue
        if answer["type"] not in content:
            print(f"{name}: {answer['type']} is none of {sorted(content)}")  # noqa: T201
            failed += 1
            continue
        schema = absolute(content[answer["type"]]["schema"])
        for error in Draft202012Validator(schema, registry=registry, format_checker=FormatChecker()).iter_errors(
            answer["body"]
        ):
            print(f"{name}: {error.json_path}: {error.message}")  # noqa: T201
            failed += 1
        checked += 1
    print(f"{checked} bodies held to their schemas, {failed} failures")  # noqa: T201
    return 1 if failed else 0


def absolute(value):
    """The schema with its references made absolute."""
    if isinstance(value, dict):
        return {
            name: ROOT + part if name == "$ref" and isinstance(part, str) else absolute(part)
            for name, part in value.items()
        }
    return [absolute(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
