"""node.toml: every key documented, unknown keys refused."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from banyan.errors import Invalid
from banyan.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[1] / "node.example.toml"


def keys(tree: dict[str, object], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in tree.items():
        found |= keys(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key}
    return found


def test_the_example_names_every_key_and_only_those() -> None:
    defaults = msgspec.to_builtins(Settings())
    assert keys(tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))) == keys(defaults)


def test_the_example_shows_the_defaults() -> None:
    assert load_settings(EXAMPLE) == Settings()


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "node.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("colour = 1", "colour"),
        ("[http]\nport = 70000", "http.port"),
        ("[http]\nport = 'x'", "http.port"),
        ("=", "line 1"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "node.toml"
    path.write_text(text)
    with pytest.raises(Invalid, match=re.escape(names)):
        load_settings(path)
