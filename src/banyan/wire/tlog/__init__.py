"""C2SP transparency logs: notes, checkpoints, cosignatures, tiles, proofs. Bytes in, values out; no I/O."""
