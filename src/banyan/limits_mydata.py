"""The bounds of one's own data: consents and uses, credentials, downloads, groups that are shown."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# My data
MYDATA_USES: Final = 10_000  # uses of one person in one list: one a day for 27 years; about 6 MB
MYDATA_USAGES: Final = 1_000  # of one findUsage answer: the bound that its standard sets
MYDATA_PENDING: Final = 5  # unanswered requests of one recipient to one person: more is pestering
MYDATA_TEXT: Final = 500  # characters of what a declaration or purpose says: a citizen reads it before they agree
MYDATA_FIELDS: Final = 100  # fields of one declaration or purpose; the widest register has some fifty
MYDATA_CLOSING: Final = 200  # consents ended in one batch when their purpose is closed: about a second
MYDATA_CLOSING_AGAIN_S: Final = 30.0  # a closing that was cut off by a crash goes on after this long
MYDATA_ENDPOINT_CHARS: Final = 500  # of the address where a recipient is told of endings
MYDATA_TELL_AT_ONCE: Final = 8  # endings told in one turn of the timer, one after another
MYDATA_TELL_S: Final = 5.0  # a recipient's endpoint has so long to answer; what it does with the word is later
MYDATA_TELL_LEASE_S: Final = 60.0  # longer than all of a turn that wait for their endpoints
OPT_OUT_CELL_LEAST: Final = 5  # people who stopped a kind of use; smaller counts are not published
MYDATA_ENDINGS: Final = 1_000  # endings in one answer to a recipient; the rest follow once these are acknowledged
MYDATA_DELETE_DAYS: Final = 30  # after a withdrawal the recipient has deleted: PDPA rules of execution ask it "at once"

# Credentials and downloads of one's own data
CREDENTIAL_OFFER_S: Final = 600.0  # an offer waits that long for its wallet: the person is looking at the code
CREDENTIAL_TX_TRIES: Final = 5  # guesses of an offer's six digits: one in 200,000 for who saw the code
CREDENTIAL_NONCE_S: Final = 300.0  # a c_nonce; shorter than a one-time value is remembered, so that none comes twice
CREDENTIAL_BATCH: Final = 10  # one-time credentials of an offer: one for each place they are shown, none linkable
CREDENTIAL_OFFERS: Final = 5  # of one person, waiting at once
CREDENTIAL_BODY_BYTES: Final = 64 * KIB  # a credential request with ten proofs is about 6 KB
CREDENTIAL_S: Final = 90 * 86_400.0  # a credential's life; after it the register may say another thing
CREDENTIAL_KEY_S: Final = 90 * 86_400.0  # an issuer key's turn; published until what it signed has expired
CREDENTIAL_STATUSES: Final = 131_072  # entries of one status list: a crowd to hide in, 16 KB unpacked
CREDENTIAL_STATUS_TTL_S: Final = 300  # how long a verifier may use its copy of a status list without asking
CREDENTIAL_STATUS_S: Final = 86_400  # after that a copy of a status list is too old to be believed
CREDENTIAL_LIST: Final = 100  # batches and offers on one's own page
CREDENTIAL_CLAIMS_BYTES: Final = 64 * KIB  # of one person's answer in one credential; a household is about 2 KB
CREDENTIAL_SHOWN_BYTES: Final = 256 * KIB  # of a credential that somebody shows; a household is 4 KB
TAKEN_FILE_BYTES: Final = 16 * MIB  # of a download that is checked; a PDF of a household is 20 KB
PAPER_S: Final = 60.0  # of one PDF; it takes 3 s of CPU, which are 12 s where seven others work
PAPER_AT_ONCE: Final = 2  # PDFs made at once: each is a process of 100 MB for a second
PRIVACY_LEAST_K: Final = 3  # persons a shown group has at least; with 2 every hidden group would be known to be of 1
PRIVACY_LEVELS: Final = 6  # columns a table of groups is divided by; more make groups of one person each
PRIVACY_CELLS: Final = 100_000  # groups of one table: 8,000 villages by sex and six ages
PRIVACY_MOST_EPSILON: Final = 10  # of one answer: above it a person's part shows with near certainty
PRIVACY_SPENDINGS: Final = 1_000  # of one budget in one list
TAKEN_FIELDS: Final = 100  # fields of one download or credential; the widest register has some fifty
