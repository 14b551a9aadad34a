"""Dialogue: the same conversation for chat, LINE, kiosk and SMS. It knows operations, and no service by name."""

from banyan.channel.talk.engine import Call, Talk, Turn
from banyan.channel.talk.links import link_of
from banyan.channel.talk.state import State, States

__all__ = ["Call", "State", "States", "Talk", "Turn", "link_of"]
