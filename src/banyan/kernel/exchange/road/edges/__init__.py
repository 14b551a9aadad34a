"""What stands beside the calls at a gateway's edges: lists, configuration, proofs, and other protocols' spellings."""
