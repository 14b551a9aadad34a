"""The OpenID Provider's protocol: FAPI 2.0 for what touches personal data, and a narrow profile for signing in."""
