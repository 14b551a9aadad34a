"""Every part of the fence; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.fence import (
    alarming,
    answering,
    appealing,
    arriving,
    calling,
    chatting,
    console,
    duty,
    ending,
    intake,
    looking,
    on_call,
    pages,
    positions,
    registering,
    sending,
    standing,
    taking,
    venues,
)
from banyan.service.fence.service import SERVICE

PARTS = (ending, positions, alarming, answering, appealing, arriving, calling, chatting, console, intake, looking,
         on_call, pages, duty, registering, sending, standing, taking, venues)  # fmt: skip
__all__ = ["PARTS", "SERVICE"]
