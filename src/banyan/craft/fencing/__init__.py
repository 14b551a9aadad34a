"""The electronic fence: the rule with its parameters, its engine on a log, and the simulator that measures it."""

from banyan.craft.fencing.model import (
    EVENTS,
    HOME,
    NO_PHONE,
    Alarm,
    AlarmKind,
    Counts,
    Fed,
    FenceEngine,
    Phase,
    PhoneState,
    Share,
)
from banyan.craft.fencing.rule import EFS_2020, PUBLISHED, SIBLINGS, DistanceRule, Rule

__all__ = [
    "EFS_2020", "EVENTS", "HOME", "NO_PHONE", "PUBLISHED", "SIBLINGS", "Alarm", "AlarmKind", "Counts", "DistanceRule",
    "Fed", "FenceEngine", "Phase", "PhoneState", "Rule", "Share",
]  # fmt: skip
