"""The directory that outlives its centre: signed snapshots in a log that every gateway holds whole, and gossip."""
