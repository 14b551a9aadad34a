"""The edges of an X-Road gateway, REST r1: bytes in, values out; no I/O. Source: X-Road PR-REST, PR-MREST, PR-META."""
