"""fhir.resources as a judge of ours, run in the peers' environment: resources in on stdin, what it made of them out.

It has no plain R4: R4B's classes of these resources are R4's (hl7.org/fhir/R4B/diff.html), and forbid what they do not
know. It makes a Patient too, for us to read.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

SYSTEMS = ("http://www.moi.gov.tw", "http://www.immigration.gov.tw", "http://hl7.org/fhir/sid/passport-JPN")


def judged(resource: dict[str, Any]) -> dict[str, Any]:
    """The same resource, read whole and written again."""
    kind = get_fhir_model_class(resource["resourceType"])
    return json.loads(kind.model_validate(resource).model_dump_json())


def fault(resource: dict[str, Any]) -> str:
    try:
        judged(resource)
    except ValueError as error:
        return type(error).__name__
    return ""


def patient(system: str, value: str) -> dict[str, Any]:
    made = get_fhir_model_class("Patient")(
        id="p1",
        active=True,
        name=[{"text": "林小榕", "family": "林", "given": ["小榕"]}],
        birthDate="1980-02-29",
        gender="female",
        telecom=[{"system": "phone", "value": "0900000000"}],
        identifier=[{"system": "https://h1.example/mrn", "value": "8862168"}, {"system": system, "value": value}],
    )
    return json.loads(made.model_dump_json())


given = json.load(sys.stdin)
told = {
    "judged": [judged(one) for one in given["good"]],
    "faults": [fault(one) for one in given["bad"]],
    "patients": [patient(system, value) for system, value in given["papers"]],
}
sys.stdout.write(json.dumps(told))
