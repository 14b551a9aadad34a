"""The Jinja environment of the portal: where templates come from, and how values are said in the page's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import CodeType
from typing import Any, Final

import jinja2
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup

from banyan.channel.web import speech
from banyan.channel.web.links import is_web_address
from banyan.channel.web.markdown import to_markup
from banyan.kernel.catalogue import Messages, Service, load_messages

PACKAGE = "banyan.channel.web"
HTML_LANG: Mapping[str, str] = {"zh-Hant": "zh-Hant-TW", "en": "en"}


class _Compiled(jinja2.BytecodeCache):
    """The templates that this process has compiled: its portals have the same ones, and compiling takes 5 to 30 ms."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._made.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None, "Jinja keeps what it has compiled"
        self._made[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


def build_environment(services: Sequence[Service], messages: Messages) -> jinja2.Environment:
    """Templates `NAME.html` are the channel's own; `SERVICE/NAME.html` are in that service's `templates` folder."""
    of_services = {
        service.name: jinja2.PackageLoader(service.package)
        for service in services
        if service.package != PACKAGE and files(service.package).joinpath("templates").is_dir()
    }
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PrefixLoader(of_services), jinja2.PackageLoader(PACKAGE)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        keep_trailing_newline=True,
    )
    environment.filters |= _filters(messages)
    environment.tests["web_address"] = is_web_address
    return environment


def gather_messages(services: Sequence[Service]) -> Messages:
    """The channel's sentences with the services': `messages.toml`, and `templates/*.toml` beside pages."""
    return _gathered(tuple(dict.fromkeys(service.package for service in services if service.package != PACKAGE)))


@cache
def _gathered(packages: tuple[str, ...]) -> Messages:
    found = [load_messages(package) for package in packages if files(package).joinpath("messages.toml").is_file()]
    found += [
        load_messages(package, f"templates/{entry.name}")
        for package in packages
        if (folder := files(package).joinpath("templates")).is_dir()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return load_messages(PACKAGE).joined(*found)


def _filters(messages: Messages) -> dict[str, Any]:
    """Filters that need the language or the moment take them from the page's context."""

    @jinja2.pass_context
    def age(context: Context, at_s: float) -> str:
        return speech.say_age(messages, context["lang"], context["now"] - at_s)

    @jinja2.pass_context
    def called(context: Context, name: str) -> str:
        """A personal field as its register calls it; without a word of its own, its name."""
        key = f"personal.{name}"
        return messages.text(key, context["lang"]) if key in messages else name

    def note(text: str) -> Markup:
        return to_markup(text)

    return {
        "age": age,
        "called": called,
        "note": note,
        "number": speech.say_number,
        "bytes": speech.say_bytes,
        "moment": speech.say_time,
        "clock": speech.say_stamp,
        "day": lambda at_s: speech.say_time(at_s, with_clock=False),
        "iso": speech.iso_time,
    }
