"""SMPP 3.4: Short Message Peer-to-Peer protocol, issue 1.2 of 12 Oct 1999. Pure: bytes in, bytes out."""
