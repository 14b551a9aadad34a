"""The field's rules as data."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

import msgspec

from banyan.craft.tracing.model import Edge, Rule, check_rule
from banyan.kernel.catalogue.operation import Text


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule with its name and where it is from."""

    title: Text
    source: str
    radius_m: float
    bucket_s: int
    dwell_s: int
    edge: Edge = "same-bucket"
    near_s: int = 0

    @property
    def rule(self) -> Rule:
        return check_rule(Rule(self.radius_m, self.bucket_s, self.dwell_s, self.edge, self.near_s))


@lru_cache(maxsize=1)
def presets() -> dict[str, Preset]:
    text = (resources.files("banyan.service.tracing") / "presets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Preset])
