"""STYLE rule 2 and 1 as a check: file <= 500 lines, function <= 60, positional parameters <= 5, no vague names."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE_LINES, FUNCTION_LINES, POSITIONAL = 500, 60, 5
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "manager", "base", "misc"}


def faults(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    found = []
    if text.count("\n") > FILE_LINES:
        found.append(f"{where}: {text.count(chr(10))} lines (at most {FILE_LINES})")
    if VAGUE & {part.removesuffix(".py") for part in where.parts}:
        found.append(f"{where}: a name that says nothing; name the noun")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            found.append(f"{where}:{node.lineno}: {node.name} has {lines} lines (at most {FUNCTION_LINES})")
        arguments = [a.arg for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")]
        if len(arguments) > POSITIONAL:
            found.append(f"{where}:{node.lineno}: {node.name} takes {len(arguments)} positional parameters")
    return found


def empty_inits(path: Path) -> list[str]:
    allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    bad = [node for node in body if not isinstance(node, allowed)]
    return [f"{path.relative_to(ROOT)}:{node.lineno}: __init__ exports names and nothing else" for node in bad]


problems = []
for source in sorted((ROOT / "src").rglob("*.py")):
    problems += faults(source)
    if source.name == "__init__.py":
        problems += empty_inits(source)
print("\n".join(problems))
sys.exit(bool(problems))
