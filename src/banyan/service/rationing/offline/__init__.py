"""Selling without a network: stock leases, quota snapshots, signed receipts of terminals, and their merge."""
