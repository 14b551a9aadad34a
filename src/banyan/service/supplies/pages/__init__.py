"""The portal's pages of the stock map. Importing a module registers its pages; each calls operations."""

from banyan.service.supplies.pages import areas, developers, finding, kiosk, map, offline, outlet, printing, widget

__all__ = ["areas", "developers", "finding", "kiosk", "map", "offline", "outlet", "printing", "widget"]
