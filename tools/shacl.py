"""Validate DCAT files with the DCAT-AP 3.0.1 shapes: `.venv-peers/bin/python tools/shacl.py FILE.. --shapes DIR`.

For each file prints each result on its own line, then one JSON object: violations of shapes.ttl and range.ttl, warnings
of shapes_recommended.ttl. Exit status 1 when there is a violation. Runs in the peers' environment.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pyshacl
import rdflib

FORMATS = {".ttl": "turtle", ".jsonld": "json-ld", ".rdf": "xml"}
FILES = {"shapes": "shapes.ttl", "range": "range.ttl", "recommended": "shapes_recommended.ttl"}
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")


def shapes(path: Path) -> rdflib.Graph:
    """The shapes without `owl:imports`, which would be fetched."""
    graph = rdflib.Graph().parse(path, format="turtle")
    graph.remove((None, rdflib.OWL.imports, None))
    return graph


def results(data: rdflib.Graph, rules: rdflib.Graph) -> list[str]:
    _, report, _ = pyshacl.validate(data, shacl_graph=rules, advanced=True, allow_warnings=False)
    found = []
    for one in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        parts = [report.value(one, name) for name in (SH.resultSeverity, SH.focusNode, SH.resultPath, SH.resultMessage)]
        found.append(" ".join(str(part) for part in parts)[:300])
    return sorted(found)


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--shapes", type=Path, required=True)
    options = parser.parse_args()
    rules = {name: shapes(options.shapes / filename) for name, filename in FILES.items()}
    bad = False
    for file in options.files:
        data = rdflib.Graph().parse(file, format=FORMATS[file.suffix])
        counts = {}
        for name, graph in rules.items():
            found = results(data, graph)
            print(*(f"{name}: {line}" for line in found), sep="\n", end="\n" if found else "")
            counts[name] = len(found)
        print(json.dumps(counts))
        bad = bad or bool(counts["shapes"] or counts["range"])
    return 1 if bad else 0


sys.exit(run())
