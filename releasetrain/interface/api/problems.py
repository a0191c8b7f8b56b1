"""Problems: every error of the API as RFC 9457 problem+json, with a stable code and what would help."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.db import DataError
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from releasetrain.interface import links
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy import faults

from .rendering import dump

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"

# Codes of the platform itself; those of the domains' rules are read from their sources (problem_catalogue).
PLATFORM_CODES: dict[str, str] = {
    "bad_request": "The request could not be understood.",
    "body.not_object": "The body must be a JSON object whose names are the verb's parameters.",
    "body.too_large": "The body is larger than this endpoint reads.",
    "cursor.invalid": "The cursor does not belong to this list and order; start again without it.",
    "filter.invalid": "A filter's value is not one of those it takes.",
    "filter.unknown": "The list has no such filter; the schema names those it has.",
    "field.unknown": "`fields` or `sort` names a field that this kind of object lacks.",
    "idempotency.in_progress": "A request with this Idempotency-Key is being answered right now.",
    "idempotency.other_body": "This Idempotency-Key was used with another request within the last 24 hours.",
    "idempotency.unreadable": "The act was done; the secret key that reads its answer has changed since.",
    "idempotency.key_invalid": "An Idempotency-Key is 1 to 255 printable ASCII characters.",
    "internal": "Something went wrong on our side; the request id finds it in the logs.",
    "invalid": "A value is not acceptable; `errors` says which and why.",
    "json.invalid": "The body is not JSON in UTF-8.",
    "json.too_deep": "The JSON is nested too deeply.",
    "method_not_allowed": "The address does not answer this method; the Allow header says which it does.",
    "not_found": "There is no such thing here for you. Absent and forbidden look the same.",
    "parameter.unknown": "The verb has no such parameter.",
    "permission.missing": "The act needs a permission that you do not hold on this object.",
    "permission_denied": "You may not do this.",
    "precondition.failed": "The object has changed since you read it: If-Match names an older version.",
    "organization.suspended": "The organization is suspended; an owner, or the operator who did it, can resume it.",
    "rate.limited": "Too many requests in this minute; Retry-After says when to try again.",
    "required": "A required parameter is missing.",
    "signed_out": "The request carries no living token and no signed-in session.",
    "token.guessed": "Too many tokens that are none came from this address in this minute; Retry-After says when to try again.",
    "state.illegal": "The object's state does not allow the verb now.",
    "step_up.required": "The act needs a sign-in within the last minutes.",
    "text.zero_character": "A text contains the zero character.",
    "try_again": "The database was busy with the same rows, or away for a moment. Nothing was changed; send it again.",
    "unsupported_media_type": "Send application/json, or multipart/form-data where a file is uploaded.",
    "verb.unknown": "There is no such verb; the schema's operation ids are the verbs.",
    "value.out_of_range": "A value does not fit its column.",
}

_RENAMED = {
    "not_authenticated": "signed_out",
    "authentication_failed": "signed_out",
    "throttled": "rate.limited",
    "parse_error": "bad_request",
    "error": "internal",
}


def body(
    request: Any,
    status: int,
    code: str,
    detail: str,
    *,
    remedy: str = "",
    blocked_by: Any = None,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """The problem as a mapping."""
    code = _RENAMED.get(code, code)
    problem: dict[str, Any] = {
        "type": request.build_absolute_uri(f"/api/problems/{code}"),
        "title": title(code),
        "status": status,
        "detail": detail,
        "instance": request.path,
        "code": code,
        "request_id": getattr(request, "request_id", ""),
    }
    if remedy:
        problem["remedy"] = remedy
    if blocked_by is not None:
        problem["blocked_by"] = {
            "kind": blocked_by.kind,
            "id": blocked_by.id,
            "label": blocked_by.label,
            "href": links.api_url_of_ref(blocked_by) or None,
        }
    if errors:
        problem["errors"] = errors
    return problem


def title(code: str) -> str:
    words = code.replace(".", ": ").replace("_", " ")
    return words[:1].upper() + words[1:]


def pointer(path: str) -> str:
    """A JSON pointer, as a fragment, to the parameter at fault; `path` may lead into it with slashes."""
    return "#/" + path.replace("~", "~0") if path else "#"


def of_refusals(request: Any, refusals: list[Refusal]) -> dict[str, Any]:
    """The problem that says these refusals: the first leads, all are listed."""
    first = refusals[0]
    listed = [{"pointer": pointer(r.field or ""), "code": r.code, "detail": r.sentence} for r in refusals]
    return body(
        request,
        first.status,
        first.code,
        first.sentence,
        remedy=first.remedy,
        blocked_by=first.blocked_by,
        errors=listed if len(refusals) > 1 or first.field else None,
    )


def respond(request: Any, status: int, code: str, detail: str, **extra: Any) -> HttpResponse:
    """A problem from outside a DRF view (middleware, error handlers)."""
    return HttpResponse(
        dump(body(request, status, code, detail, **extra)), status=status, content_type=CONTENT_TYPE
    )


def respond_to(request: Any, error: Exception) -> HttpResponse:
    """The problem for an exception raised outside a DRF view."""
    status, problem, headers = describe(request, error) or (
        500,
        body(request, 500, "internal", PLATFORM_CODES["internal"]),
        {},
    )
    return HttpResponse(dump(problem), status=status, content_type=CONTENT_TYPE, headers=headers)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What it does not know is a fault of ours: logged, and answered as a problem."""
    request = context["request"]
    described = describe(request, error)
    if described is not None and described[0] == 503:
        log.warning("passing fault in %s: %s", request.path, error)
    if described is None:
        log.exception("unhandled error in %s", request.path, exc_info=error)
        described = (500, body(request, 500, "internal", PLATFORM_CODES["internal"]), {})
    status, problem, headers = described
    return Response(problem, status=status, headers=headers, content_type=CONTENT_TYPE)


def describe(request: Any, error: Exception) -> tuple[int, dict[str, Any], dict[str, str]] | None:
    """Status, problem and headers for an exception; None when it is nobody's mistake but ours."""
    if isinstance(error, Refused) and error.refusals:
        return error.status, of_refusals(request, error.refusals), {}
    if isinstance(error, exceptions.ValidationError):
        return 422, _of_validation(request, error), {}
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(request, error)
    if faults.passes(error):
        problem = body(request, 503, "try_again", PLATFORM_CODES["try_again"])
        return 503, problem, {"Retry-After": str(faults.RETRY_AFTER)}
    simple = _simple(error)
    if simple is None:
        return None
    status, code, detail = simple
    return status, body(request, status, code, detail), {}


def _simple(error: Exception) -> tuple[int, str, str] | None:
    if isinstance(error, Http404):
        return 404, "not_found", PLATFORM_CODES["not_found"]
    if isinstance(error, PermissionDenied):
        return 403, "permission_denied", str(error) or PLATFORM_CODES["permission_denied"]
    if isinstance(error, RequestDataTooBig):
        return 413, "body.too_large", PLATFORM_CODES["body.too_large"]
    if isinstance(error, SuspiciousOperation | MultiPartParserError):
        return 400, "bad_request", str(error) or PLATFORM_CODES["bad_request"]
    if isinstance(error, ValidationError | DataError):
        said = (
            " ".join(error.messages)
            if isinstance(error, ValidationError)
            else str(error).strip().split("\n", 1)[0]
        )
        return 422, "invalid" if isinstance(error, ValidationError) else "value.out_of_range", said
    return None


def _of_api_exception(
    request: Any, error: exceptions.APIException
) -> tuple[int, dict[str, Any], dict[str, str]]:
    code = error.get_codes()
    code = code if isinstance(code, str) else str(error.default_code)
    headers = {}
    for attribute, header in (("auth_header", "WWW-Authenticate"), ("wait", "Retry-After")):
        if getattr(error, attribute, None):
            headers[header] = str(getattr(error, attribute))
    return error.status_code, body(request, error.status_code, code, str(error.detail)), headers


def _of_validation(request: Any, error: exceptions.ValidationError) -> dict[str, Any]:
    found = list(_flatten(error.detail, error.get_codes(), ""))
    first = found[0] if found else {"code": "invalid", "detail": "The request is not acceptable."}
    at_fault = first.get("pointer", "#").removeprefix("#").removeprefix("/")
    return body(
        request,
        422,
        "invalid",
        f"{at_fault}: {first['detail']}" if at_fault else first["detail"],
        errors=found,
    )


def _flatten(detail: Any, codes: Any, path: str) -> Any:
    if isinstance(detail, dict | ReturnDict):
        for name, inner in detail.items():
            joined = path if name == "non_field_errors" else f"{path}/{name}" if path else str(name)
            yield from _flatten(inner, codes[name], joined)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _flatten(
                inner, codes[index], f"{path}/{index}" if isinstance(inner, dict | list) else path
            )
    else:
        yield {"pointer": "#/" + path if path else "#", "code": str(codes), "detail": str(detail)}
