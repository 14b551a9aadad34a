"""Problems of this part, each with its bilingual sentence from `messages.toml`.

`FieldError.fix` carries CKAN's own English words where CKAN has them, so that its face can pass them on.
"""

from __future__ import annotations

from banyan.errors import Denied, FieldError, Invalid, Limit, NotFound, Problem, Unavailable
from banyan.kernel.catalogue.messages import load_messages

MESSAGES = load_messages(__package__ or "banyan.service.opendata.tables")


def sentence(key: str, /, **values: object) -> str:
    """The sentence in both languages: a refusal is written before the reader's language is known."""
    return f"{MESSAGES.text(key, 'zh-Hant', **values)} {MESSAGES.text(key, 'en', **values)}"


def unknown_field(place: str, name: str, known: tuple[str, ...]) -> Problem:
    """`place` is the request's field (`filters`, `sort`, `fields`) that names a column the table does not have."""
    said = sentence("table.unknown_field", name=name)
    fix = f'invalid value "{name}"' if place == "sort" else f"Unknown field: {name}"
    return Invalid(
        said,
        remedy=sentence("table.unknown_field_remedy", names="、".join(known[:20])),
        fields=(FieldError(place, fix),),
        kind="unknown-field",
    )


def wrong_value(place: str, fix: str) -> Problem:
    return Invalid(
        sentence("table.wrong_value", field=place, fix=fix), fields=(FieldError(place, fix),), kind="wrong-value"
    )


def not_found(key: str, /, **values: object) -> Problem:
    return NotFound(sentence(f"table.{key}", **values), remedy=sentence(f"table.{key}_remedy", **values))


def too_much(key: str, /, **values: object) -> Problem:
    return Limit(sentence(f"table.{key}", **values), remedy=sentence(f"table.{key}_remedy", **values), kind=key)


def too_busy() -> Problem:
    return Unavailable(sentence("table.busy"), remedy=sentence("table.busy_remedy"), kind="busy", retry_after_s=1)


def forbidden(key: str, fix: str, /, **values: object) -> Problem:
    """A refusal of the SQL sandbox: `fix` is CKAN's own sentence."""
    return Denied(sentence(f"sql.{key}", **values), fields=(FieldError("sql", fix),), kind=f"sql-{key}")


def bad_sql(key: str, fix: str, /, **values: object) -> Problem:
    return Invalid(
        sentence(f"sql.{key}", **values), fields=(FieldError("message", fix),), kind=f"sql-{key}", status=409
    )


def unknown_table(name: str) -> Problem:
    said = sentence("sql.unknown_table", name=name)
    return NotFound(said, remedy=sentence("sql.unknown_table_remedy"), kind="sql-unknown-table")
