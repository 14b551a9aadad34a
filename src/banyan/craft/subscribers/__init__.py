"""An operator's subscribers: whose telephone is in which cell or place, as a file of the operator's says."""
