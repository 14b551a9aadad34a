"""Bilingual text: every sentence a person reads lives in a `messages.toml` beside its code, in zh-Hant and en."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Protocol

LANGUAGES = ("zh-Hant", "en")


class Both(Protocol):
    """A sentence by its key, in both languages."""

    def __call__(self, key: str, /, **values: object) -> str: ...


class Messages:
    """Sentences by dotted key. A missing key or language is a programmer's error and fails at load or first use."""

    def __init__(self, sentences: Mapping[str, Mapping[str, str]]) -> None:
        for key, texts in sentences.items():
            missing = [lang for lang in LANGUAGES if lang not in texts]
            assert not missing, f"messages: {key} lacks {missing}"
        self._sentences = dict(sentences)

    def text(self, key: str, lang: str, /, **values: object) -> str:
        """The sentence in `lang` (zh-Hant when unknown), with `{name}` filled from `values`."""
        texts = self._sentences[key]
        return texts.get(lang, texts["zh-Hant"]).format(**values) if values else texts.get(lang, texts["zh-Hant"])

    def both(self, key: str, /, **values: object) -> str:
        """The sentence in both languages: a problem does not know who reads it."""
        return " ".join(self.text(key, lang, **values) for lang in LANGUAGES)

    def both_under(self, prefix: str) -> Both:
        """`both` for keys below `prefix`."""

        def both(key: str, /, **values: object) -> str:
            return self.both(f"{prefix}.{key}", **values)

        return both

    def __contains__(self, key: object) -> bool:
        return key in self._sentences

    def keys(self) -> list[str]:
        return list(self._sentences)

    def joined(self, *others: Messages) -> Messages:
        """These and others together; the same key twice is an error."""
        sentences = dict(self._sentences)
        for other in others:
            twice = sentences.keys() & other._sentences.keys()
            assert not twice, f"messages: declared twice: {sorted(twice)}"
            sentences |= other._sentences
        return Messages(sentences)


def load_messages(package: str, filename: str = "messages.toml") -> Messages:
    """Read `package/messages.toml`: tables nest into dotted keys; a leaf table has the languages as keys."""
    return _messages_of(files(package).joinpath(filename).read_text(encoding="utf-8"))


@cache  # as many as the program has files of messages; what they hold never changes
def _messages_of(text: str) -> Messages:
    return Messages(dict(_leaves(tomllib.loads(text), "")))


def _leaves(tree: Mapping[str, object], prefix: str) -> list[tuple[str, Mapping[str, str]]]:
    found: list[tuple[str, Mapping[str, str]]] = []
    for key, value in tree.items():
        assert isinstance(value, dict), f"messages: {prefix}{key} must be a table"
        if any(lang in value for lang in LANGUAGES):
            found.append((prefix + key, value))
        else:
            found.extend(_leaves(value, f"{prefix}{key}."))
    return found
