# ruff: noqa: T201 - it speaks by its output
"""A stranger's verifier (signxml): `signxml_verify.py CERTIFICATE DOCUMENT...`."""

import sys
from pathlib import Path

from signxml import XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidSignature

certificate = Path(sys.argv[1]).read_text()
for name in sys.argv[2:]:
    try:
        found = XMLVerifier().verify(Path(name).read_bytes(), x509_cert=certificate)
    except (InvalidDigest, InvalidSignature) as error:
        print("refused", type(error).__name__)
    else:
        print("good", found.signed_xml.findtext("{*}identifier"))
