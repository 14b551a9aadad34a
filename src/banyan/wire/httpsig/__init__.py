"""Signed HTTP messages (RFC 9421) and digests of bodies (RFC 9530), and the road's profile of them. No I/O."""
