"""The first page: every figure that judges people stands there with its meaning, in both languages."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from tests.make import Client
from tests.service.fence.world import World, in_a_world

from banyan.craft.fencing.rule import PUBLISHED
from banyan.service.fence.pages import figures_of
from banyan.service.fence.terms import built_in

MESSAGES = tomllib.loads(files("banyan.service.fence").joinpath("templates/messages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "lang"), [("/fence", "zh-Hant"), ("/en/fence", "en")])
def test_each_figure_has_its_meaning_beside_it(path: str, lang: str) -> None:
    async def story(world: World) -> None:
        page = await Client(world.node.app).get(path, headers={"Accept": "text/html"})
        rows = {
            name: (value, meaning)
            for name, value, meaning in re.findall(
                r"<code>(\w+)</code></th><td>([^<]+)</td><td>([^<]+)</td>", page.text
            )
        }
        for name, value in (*figures_of(PUBLISHED), *figures_of(built_in()[0])):
            meaning = MESSAGES["efence"][f"means_{name}"][lang]
            assert rows[name] == (value, meaning.replace("'", "&#39;"))

    in_a_world(story)
