"""Intercom's error codes, as a label whose values are a closed list."""

OTHER = "other"
"""Stands for every code that is not in the list, and for none."""

ERROR_CODES = frozenset(
    {
        "action_forbidden",
        "admin_not_found",
        "api_plan_restricted",
        "bad_request",
        "client_error",
        "conflict",
        "data_invalid",
        "forbidden",
        "job_closed",
        "missing_authorization",
        "missing_parameter",
        "not_found",
        "not_restorable",
        "parameter_invalid",
        "parameter_missing",
        "parameter_not_found",
        "rate_limit_exceeded",
        "request_timeout",
        "resource_conflict",
        "retry_after",
        "server_error",
        "service_unavailable",
        "team_not_found",
        "team_unavailable",
        "token_blocked",
        "token_expired",
        "token_not_found",
        "token_revoked",
        "token_suspended",
        "token_unauthorized",
        "too_many_requests",
        "type_mismatch",
        "unauthorized",
        "unprocessable_entity",
        "unsupported",
    }
)
"""https://developers.intercom.com/docs/references/2.17/rest-api/errors/error-codes"""


def code_label(codes: tuple[str, ...]) -> str:
    """The first code, if the list has it; else OTHER."""
    return codes[0] if codes and codes[0] in ERROR_CODES else OTHER
