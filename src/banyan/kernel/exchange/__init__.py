"""How: the gate, and the HTTP door in front of it."""

from banyan.kernel.exchange.door import App, build_door
from banyan.kernel.exchange.gate import Gate, Refused
from banyan.kernel.exchange.remote import Envelope, Remote
from banyan.kernel.exchange.settings import DoorSettings, Identify, Render

__all__ = ["App", "DoorSettings", "Envelope", "Gate", "Identify", "Refused", "Remote", "Render", "build_door"]
