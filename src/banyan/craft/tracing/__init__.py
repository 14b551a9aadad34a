"""Who was near the cases, exactly, over a nation's positions: kernel, layout on disk, and the lake that ends."""
