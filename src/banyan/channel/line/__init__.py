"""LINE: the dialogue as a LINE Official Account. It knows operations, and no service by name."""

from banyan.channel.line.service import LineDesk, build_line

__all__ = ["LineDesk", "build_line"]
