"""Run by bench/gate.py in the peers' environment: one engine, one rule a consent, at some sizes.

    _gate_peers.py cedarpy|casbin|regopy SIZE…

Sets up, says the seconds of each set-up as a JSON line, then answers each line on standard input with the CPU
microseconds of one decision by size, as JSON. The question is the same for all: may this recipient read these fields of
this person for this purpose now? Every second question is about somebody without a consent and must be refused.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

PURPOSE, FIELD, UNTIL, NOW = "088", "income", 1_700_000_000, 1_600_000_000
Decide = Callable[[str, str], bool]
"""`decide(recipient, subject)`."""


def cedarpy_of(size: int) -> Decide:
    """One policy a consent, parsed once."""
    import cedarpy

    text = "\n".join(
        f'permit(principal == Agency::"r{number}", action == Action::"read", resource == Person::"s{number}")'
        f' when {{ context.purpose == "{PURPOSE}" && ["{FIELD}"].containsAll(context.fields)'
        f" && context.now < {UNTIL} }};"
        for number in range(size)
    )
    policies, entities = cedarpy.PolicySet.from_str(text), cedarpy.Entities.from_json_str("[]")

    def decide(recipient: str, subject: str) -> bool:
        request = {
            "principal": {"type": "Agency", "id": recipient},
            "action": {"type": "Action", "id": "read"},
            "resource": {"type": "Person", "id": subject},
            "context": {"purpose": PURPOSE, "fields": [FIELD], "now": NOW},
        }
        return bool(cedarpy.is_authorized(request, policies, entities).allowed)

    return decide


def casbin_of(size: int) -> Decide:
    """One policy line a consent in its in-memory model."""
    import casbin

    model = casbin.Model()
    model.load_model_from_text(
        "[request_definition]\nr = sub, obj, purpose, field, now\n"
        "[policy_definition]\np = sub, obj, purpose, field, until\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.purpose == p.purpose && r.field == p.field"
        " && before(r.now, p.until)\n"
    )
    engine = casbin.Enforcer(model)
    engine.add_function("before", lambda now, until: float(now) < float(until))
    engine.add_policies([[f"r{number}", f"s{number}", PURPOSE, FIELD, str(UNTIL)] for number in range(size)])
    return lambda recipient, subject: bool(engine.enforce(recipient, subject, PURPOSE, FIELD, str(NOW)))


def regopy_of(size: int) -> Decide:
    """Consents as data under their subject, the quickest way Rego has; one rule looks them up."""
    import regopy

    engine = regopy.Interpreter()
    engine.add_module(
        "gate",
        "package gate\n\nimport rego.v1\n\ndefault allow := false\n\n"
        "allow if {\n  some consent in data.consents[input.subject]\n  consent.recipient == input.recipient\n"
        "  consent.purpose == input.purpose\n  input.now < consent.until\n"
        "  every field in input.fields { field in consent.fields }\n}\n",
    )
    consents = {
        f"s{number}": [{"recipient": f"r{number}", "purpose": PURPOSE, "fields": [FIELD], "until": UNTIL}]
        for number in range(size)
    }
    engine.add_data_json(json.dumps({"consents": consents}))

    def decide(recipient: str, subject: str) -> bool:
        asked = {"recipient": recipient, "subject": subject, "purpose": PURPOSE, "fields": [FIELD], "now": NOW}
        engine.set_input_term(json.dumps(asked))
        told: Any = json.loads(str(engine.query("x := data.gate.allow")))
        return bool(told["bindings"]["x"])

    return decide


ENGINES = {"cedarpy": cedarpy_of, "casbin": casbin_of, "regopy": regopy_of}


def measured(decide: Decide, size: int, dice: random.Random, budget_s: float) -> float:
    """CPU microseconds a decision, over as many as fit into the budget."""
    started, done = time.process_time(), 0
    while done < 2 or time.process_time() - started < budget_s:
        number = dice.randrange(size)
        assert decide(f"r{number}", f"s{number}")
        assert not decide(f"r{number}", f"s{(number + 1) % size}")
        done += 2
    return (time.process_time() - started) / done * 1e6


def main() -> None:
    engine, *sizes = sys.argv[1:]
    made: dict[str, Decide] = {}
    seconds: dict[str, float] = {}
    for size in sizes:
        started = time.process_time()
        made[size] = ENGINES[engine](int(size))
        seconds[size] = round(time.process_time() - started, 3)
    print(json.dumps(seconds), flush=True)
    dice = random.Random(4)
    for _ in sys.stdin:
        print(json.dumps({size: measured(made[size], int(size), dice, 0.1) for size in sizes}), flush=True)


if __name__ == "__main__":
    main()
