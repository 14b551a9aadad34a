"""Selectively disclosable credentials: SD-JWT (RFC 9901), SD-JWT VC, and Token Status Lists. No I/O."""
