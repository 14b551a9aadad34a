"""Privacy: tables that tell of groups and of nobody. What a reader can still work out is said in each function."""

from banyan.craft.privacy.cells import Cell, Table, safe_table
from banyan.craft.privacy.noise import MICRO, noisy_counts, noisy_sums

__all__ = ["MICRO", "Cell", "Table", "noisy_counts", "noisy_sums", "safe_table"]
