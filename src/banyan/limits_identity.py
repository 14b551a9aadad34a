"""The bounds of signing in: the OpenID Provider, counters and screens, outside issuers."""

from typing import Final

KIB: Final = 1024

OPENID_BODY_BYTES: Final = 64 * KIB  # a token or PAR request; a fapi2 one with details is about 4 KB
OPENID_JWT_BYTES: Final = 8 * KIB  # an assertion or proof; RS-4096 ones are 1.5 KB
OPENID_SKEW_S: Final = 30.0  # clocks that differ by 10 s must pass, by 60 s must fail (FAPI 2.0 s5.3.2.1)
OPENID_PUSHED_S: Final = 60.0  # a request_uri: the app redirects at once
OPENID_ASKING_S: Final = 600.0  # the person reads, finds a passkey, decides
OPENID_CODE_S: Final = 60.0  # FAPI 2.0 s5.3.2.1 allows 60
OPENID_ASSERTION_S: Final = 300.0  # longest life of a client assertion, and how long its jti is remembered
OPENID_NONCE_S: Final = 120.0  # a DPoP nonce is good for one to two of these
OPENID_ACCESS_S: Final = 600.0  # access token; withdrawal ends it at once, this bounds an introspection cache
OPENID_ID_TOKEN_S: Final = 300.0
OPENID_REFRESH_S: Final = 30 * 86_400.0  # unused that long, a refresh token ends
OPENID_FAMILY_S: Final = 90 * 86_400.0  # after that the person signs in again
OPENID_GRANT_S: Final = 365 * 86_400.0
OPENID_SESSION_S: Final = 8 * 3_600.0  # a working day
OPENID_ENROLMENT_S: Final = 86_400.0  # an enrolment code given at a counter
OPENID_KEY_S: Final = 90 * 86_400.0  # a signing key's turn
OPENID_KEY_LEAD_S: Final = 86_400.0  # it is published that long before it signs and stays that long after
OPENID_DETAILS: Final = 16  # elements of authorization_details
OPENID_DETAIL_BYTES: Final = 16 * KIB
OPENID_TEXT: Final = 2_048  # state, nonce, login_hint: longer than any client's own
OPENID_PASSKEYS: Final = 20  # of one account
OPENID_LIST: Final = 1_000
REPRESENTATION_DAYS: Final = {"child": 6_576, "guardian": 1_827, "company": 1_096}
"""Longest terms: to 18; five years, then the ruling is looked at again; three, a director's term (公司法 s195)."""
COUNTER_S: Final = 600.0  # a visit beside an officer: one errand
COUNTER_ASK_S: Final = 900.0  # how long somebody at a counter waits for the second officer
COUNTER_KEPT_S: Final = 5 * 365 * 86_400.0  # who began what at a counter: while a complaint can still be brought
COUNTER_WORD: Final = (6, 64)  # characters of what a person says at a counter; guesses are throttled
KIOSK_CODE_S: Final = 900.0  # a printed code: the way from the counter to the screen
KIOSK_S: Final = 300.0  # a session at a public screen; nothing there lengthens it
KIOSK_SCREEN_S: Final = 365 * 86_400.0  # then an officer sets the screen up again
OPENID_ALARMS: Final = 10_000  # refusals kept in memory, 2 MB; the file has the older ones
OPENID_ALARM_KINDS: Final = 100  # our own words for them; there are some forty
OUTSIDE_TIME_S: Final = 5.0  # an outside issuer that has not answered by then is down for this person
OUTSIDE_BYTES: Final = 256 * KIB  # its discovery document, keys or token answer; real ones are under 20 KB
SIGN_IN_WINDOW_S: Final = 900.0
SIGN_IN_ACCOUNT: Final = 10  # failures of one account in a window; a person mistypes twice
SIGN_IN_NETWORK: Final = 100  # of one address: a whole office or carrier gateway stands behind it
SIGN_IN_ALL: Final = 20_000  # of the node: beyond this somebody tries the country's numbers
