"""Forms as data: an operation's request type becomes questions that a page, a chat or a kiosk can ask."""

from banyan.craft.form.fields import Field, FieldKind, fields_of
from banyan.craft.form.reading import read_field, read_form

__all__ = ["Field", "FieldKind", "fields_of", "read_field", "read_form"]
