"""Fault codes: `origin.code`, in the two spellings that are in the field.

Source: X-Road PR-REST 1.0.4 s4.6 (`Server.ServerProxy.AccessDenied`); release 7.8.0 renamed all of them
(`server.serverproxy.access_denied`). A gateway writes the spelling it is set to and reads both.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Literal

Spelling = Literal["documented", "renamed"]
DOCUMENTED: Final[Spelling] = "documented"


class Origin(Enum):
    """Who could not do its part: the client itself, its gateway, or the provider's gateway."""

    CLIENT = "Client"
    CLIENT_PROXY = "Server.ClientProxy"
    SERVER_PROXY = "Server.ServerProxy"
    SERVER_PROXY_MONITOR = "Server.ServerProxy.OpMonitor"
    SIGNER = "Signer"


class Code(Enum):
    """What went wrong. The names are the field's constants without their `X_`."""

    ACCESS_DENIED = "AccessDenied"
    ASIC_HASH_CHAIN_NOT_FOUND = "AsicHashChainNotFound"
    ASIC_HASH_CHAIN_RESULT_NOT_FOUND = "AsicHashChainResultNotFound"
    ASIC_INVALID_MIME_TYPE = "AsicInvalidMimeType"
    ASIC_MANIFEST_NOT_FOUND = "AsicManifestNotFound"
    ASIC_MESSAGE_NOT_FOUND = "AsicMessageNotFound"
    ASIC_MIME_TYPE_NOT_FOUND = "AsicMimeTypeNotFound"
    ASIC_SIGNATURE_NOT_FOUND = "AsicSignatureNotFound"
    ASIC_TIMESTAMP_NOT_FOUND = "AsicTimestampNotFound"
    BAD_REQUEST = "BadRequest"
    CANNOT_CREATE_CERT_PATH = "CannotCreateCertPath"
    CANNOT_CREATE_SIGNATURE = "CannotCreateSignature"
    CANNOT_SIGN = "CannotSign"
    CERT_EXISTS = "CertExists"
    CERT_IMPORT_FAILED = "CertImportFailed"
    CERT_NOT_FOUND = "CertNotFound"
    CERT_VALIDATION = "CertValidation"
    CLIENT_PROXY_VERSION_NOT_SUPPORTED = "ClientProxyVersionNotSupported"
    CSR_NOT_FOUND = "CsrNotFound"
    DATABASE_ERROR = "DatabaseError"
    DUPLICATE_HEADER_FIELD = "DuplicateHeaderField"
    FAILED_TO_GENERATE_R_KEY = "FailedToGeneratePrivateKey"
    HASHCHAIN_UNUSED_INPUTS = "HashChainUnusedInputs"
    HTTP_ERROR = "HttpError"
    HW_MODULE_NON_OPERATIONAL = "HSMNonOperational"
    INCONSISTENT_HEADERS = "InconsistentHeaders"
    INCONSISTENT_RESPONSE = "InconsistentResponse"
    INCORRECT_CERTIFICATE = "IncorrectCertificate"
    INCORRECT_VALIDATION_INFO = "IncorrectValidationInfo"
    INTERNAL_ERROR = "InternalError"
    INVALID_BODY = "InvalidBody"
    INVALID_CERT_PATH = "InvalidCertPath"
    INVALID_CLIENT_IDENTIFIER = "InvalidClientIdentifier"
    INVALID_CONTENT_TYPE = "InvalidContentType"
    INVALID_HASH_CHAIN_REF = "InvalidHashChainRef"
    INVALID_HASH_CHAIN_RESULT = "InvalidHashChain"
    INVALID_HTTP_METHOD = "InvalidHttpMethod"
    INVALID_MESSAGE = "InvalidMessage"
    INVALID_PROTOCOL_VERSION = "InvalidProtocolVersion"
    INVALID_REFERENCE = "InvalidReference"
    INVALID_REQUEST = "InvalidRequest"
    INVALID_SECURITY_SERVER = "InvalidSecurityServer"
    INVALID_SERVICE_TYPE = "ServiceType"
    INVALID_SIGNATURE_VALUE = "InvalidSignatureValue"
    INVALID_SOAP = "InvalidSoap"
    INVALID_XML = "InvalidXml"
    IO_ERROR = "IOError"
    KEY_NOT_FOUND = "KeyNotFound"
    LOGGING_FAILED = "LoggingFailed"
    LOGIN_FAILED = "LoginFailed"
    LOGOUT_FAILED = "LogoutFailed"
    MAINTENANCE_MODE = "MaintenanceMode"
    MALFORMED_GLOBALCONF = "MalformedGlobalConf"
    MALFORMED_HASH_CHAIN = "MalformedHashChain"
    MALFORMED_OPTIONAL_PARTS_CONF = "MalformedOptionalPartsConf"
    MALFORMED_SERVERCONF = "MalformedServerConf"
    MALFORMED_SIGNATURE = "MalformedSignature"
    MIME_PARSING_FAILED = "MimeParsingFailed"
    MISSING_BODY = "MissingBody"
    MISSING_HEADER = "MissingHeader"
    MISSING_HEADER_FIELD = "MissingHeaderField"
    MISSING_REST = "MissingRest"
    MISSING_SIGNATURE = "MissingSignature"
    MISSING_SOAP = "MissingSoap"
    MLOG_TIMESTAMPER_FAILED = "TimestamperFailed"
    NETWORK_ERROR = "NetworkError"
    NOT_FOUND = "NotFound"
    OUTDATED_GLOBALCONF = "OutdatedGlobalConf"
    PIN_INCORRECT = "PinIncorrect"
    SERVICE_DISABLED = "ServiceDisabled"
    SERVICE_FAILED = "ServiceFailed"
    SERVICE_MALFORMED_URL = "ServiceMalformedUrl"
    SERVICE_MISSING_URL = "ServiceMissingUrl"
    SIGNATURE_VERIFICATION = "SignatureVerification"
    SSL_AUTH_FAILED = "SslAuthenticationFailed"
    TIMESTAMPING_FAILED = "TimestampingFailed"
    TOKEN_NOT_ACTIVE = "TokenNotActive"  # noqa: S105 (a key device, not a secret)
    TOKEN_NOT_AVAILABLE = "TokenNotAvailable"  # noqa: S105 (a key device, not a secret)
    TOKEN_NOT_FOUND = "TokenNotFound"  # noqa: S105 (a key device, not a secret)
    TOKEN_NOT_INITIALIZED = "TokenNotInitialized"  # noqa: S105 (a key device, not a secret)
    TOKEN_PIN_POLICY_FAILURE = "TokenPinPolicyFailure"  # noqa: S105 (a key device, not a secret)
    TOKEN_READONLY = "TokenReadOnly"  # noqa: S105 (a key device, not a secret)
    UNKNOWN_MEMBER = "UnknownMember"
    UNKNOWN_SERVICE = "UnknownService"
    UNSUPPORTED_SIGN_ALGORITHM = "UnsupportedSignAlgorithm"
    WRONG_CERT_USAGE = "WrongCertUsage"


_RENAMED_OTHERWISE: Final = {
    Code.HASHCHAIN_UNUSED_INPUTS: "hashchain_unused_inputs",
    Code.HW_MODULE_NON_OPERATIONAL: "hsm_non_operational",
    Code.IO_ERROR: "io_error",
    Code.OUTDATED_GLOBALCONF: "global_conf_outdated",
    Code.TOKEN_READONLY: "token_readonly",
}
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def spelled(origin: Origin, *codes: Code, spelling: Spelling = DOCUMENTED) -> str:
    """`Server.ServerProxy.AccessDenied`; a code that wraps another is followed by it."""
    assert codes, "a fault has a code"
    if spelling == "documented":
        return ".".join((origin.value, *(code.value for code in codes)))
    return ".".join((origin.value.lower(), *(_RENAMED[code] for code in codes)))


def respelled(type_: str, spelling: Spelling) -> str:
    """A fault type in `spelling`, whichever of the two it came in. Parts that nobody knows stay as they are."""
    for origin in _LONGEST_FIRST:
        for known in (origin.value, origin.value.lower()):
            if type_.startswith(known + "."):
                rest = [_respelled_code(part, spelling) for part in type_[len(known) + 1 :].split(".")]
                return ".".join((origin.value if spelling == "documented" else origin.value.lower(), *rest))
    return type_


def status_of(type_: str) -> int:
    """500 where a gateway failed, else 400."""
    return 500 if type_.lower().startswith("server.") else 400


def _respelled_code(part: str, spelling: Spelling) -> str:
    code = _CODES.get(part)
    if code is None:
        return part
    return code.value if spelling == "documented" else _RENAMED[code]


_RENAMED: Final = {code: _RENAMED_OTHERWISE.get(code) or _WORD.sub("_", code.value).lower() for code in Code}
_CODES: Final = {code.value: code for code in Code} | {word: code for code, word in _RENAMED.items()}
_LONGEST_FIRST: Final = sorted(Origin, key=lambda origin: -len(origin.value))
