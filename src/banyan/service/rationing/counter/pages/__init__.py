"""The counter's pages. Importing a module registers its pages; each calls operations."""

from banyan.service.rationing.counter.pages import goods, notice, paper, queue, screen

__all__ = ["goods", "notice", "paper", "queue", "screen"]
