"""Public feeds of the stock map: what map clients, mirrors and civic developers build on."""
