"""Errors of the road as answers, and answers of other gateways as errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from banyan.errors import Problem
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.model import Answer
from banyan.kernel.exchange.road.plain import phrase
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.httpsig.errors import DigestMismatch, Forged, Malformed, Refused, Uncovered, UnknownKey, Untimely
from banyan.wire.xroad.codes import DOCUMENTED, Code, Origin, Spelling, respelled
from banyan.wire.xroad.faults import ErrorBody, Fault, answer
from banyan.wire.xroad.headers import ERROR, Field

_OF_A_SIGNATURE: Final = {
    Malformed: Code.MALFORMED_SIGNATURE,
    Uncovered: Code.INVALID_REFERENCE,
    Untimely: Code.INCORRECT_VALIDATION_INFO,
    UnknownKey: Code.KEY_NOT_FOUND,
    Forged: Code.INVALID_SIGNATURE_VALUE,
}
_PASSED_ON: Final = frozenset({b"retry-after", b"ratelimit", b"ratelimit-policy"})


class TheirFault(Fault):
    """A fault that another gateway told: its code, words and id go on as they are."""

    def __init__(self, told: ErrorBody, status: int, headers: Sequence[Field] = ()) -> None:
        origin = next((one for one in _ORIGINS if told.type.lower().startswith(one.value.lower())), Origin.SERVER_PROXY)
        super().__init__(origin, Code.INTERNAL_ERROR, message=told.message)
        self.told = told
        self.status = status
        self.headers = tuple(field for field in headers if field[0].lower() in _PASSED_ON)

    def type_in(self, spelling: Spelling = DOCUMENTED) -> str:
        return respelled(self.told.type, spelling)


def fault_answer(problem: Problem, detail: str, accept: Iterable[str], spelling: Spelling, origin: Origin) -> Answer:
    """`detail`: the id to ask by. A problem that is no fault of the road becomes one of `origin`, with its status."""
    fault = problem if isinstance(problem, Fault) else as_fault(problem, origin)
    if isinstance(fault, TheirFault):
        detail = fault.told.detail
    told = answer(fault, detail, accept, spelling)
    headers: tuple[Field, ...] = tuple(getattr(problem, "headers", ()))
    if problem.retry_after_s is not None and not headers:
        headers = ((b"retry-after", b"%d" % problem.retry_after_s),)
    fields = ((b"content-type", told.content_type.encode("ascii")), (ERROR, told.error.encode("ascii")), *headers)
    return Answer(fault.status, phrase(fault.status), fields, Held(told.body))


def as_fault(problem: Problem, origin: Origin) -> Fault:
    fault = Fault(origin, Code.INTERNAL_ERROR, message=problem.title, fix=problem.remedy)
    fault.status = problem.status
    return fault


def of_http(error: BadHttp, origin: Origin) -> Fault:
    """A body that is badly framed, too large, too slow or cut off."""
    message = f"The body cannot be taken: {error}."
    fix = "Send it whole, framed as RFC 9112 says, and within the bound."
    fault = Fault(origin, Code.INVALID_REQUEST, message=message, field=error.rule, fix=fix)
    fault.status = error.status
    return fault


def of_signature(error: Refused, origin: Origin) -> Fault:
    """Why a message between gateways is refused, without a value of it."""
    if isinstance(error, DigestMismatch):
        message, fix = "The body is another one than was signed.", "Send the body as signed."
        return Fault(origin, Code.INVALID_BODY, message=message, field=error.rule, fix=fix)
    message = f"The signature of the other gateway is refused: {error.rule} {error.text}."
    fix = "Its operator compares clock, key and directory with yours; ./banyan exchange doctor says which."
    code = _OF_A_SIGNATURE.get(type(error), Code.MALFORMED_SIGNATURE)
    return Fault(origin, Code.SIGNATURE_VERIFICATION, code, message=message, field=error.rule, fix=fix)


def internal(origin: Origin) -> Fault:
    fix = "Ask this gateway's operator by the detail."
    return Fault(origin, Code.INTERNAL_ERROR, message="The gateway failed.", fix=fix)


_ORIGINS: Final = sorted(Origin, key=lambda origin: -len(origin.value))
