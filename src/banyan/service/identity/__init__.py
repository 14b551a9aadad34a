"""Identity's faces: the OpenID Provider's addresses, signing in, passkeys, and what a person let apps do."""
