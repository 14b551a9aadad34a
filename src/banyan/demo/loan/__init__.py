"""A lender's small web app, as a third party would write it: it has its own address and knows only the standards.

It speaks FAPI 2.0 (PAR, PKCE, DPoP, RAR, private_key_jwt) to the node's OpenID Provider and reads two fields of a
person's income by their consent. Demonstration only; serve it with `tools/loan_app.py`.
"""
