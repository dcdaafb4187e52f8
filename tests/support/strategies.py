"""Hypothesis strategies: requests, responses and what is remembered between attempts."""

import re

from hypothesis import strategies as st

from intercom_sink import IntercomRequest, NoResponse, RateLimit, Response
from intercom_sink.domain.policy import PolicyOptions
from intercom_sink.domain.retry_state import RetryState

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)

paths = st.from_regex(r"/(?!/)[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\#]{0,30}", fullmatch=True).filter(
    lambda path: not re.search(r"(/|%2f|%5c)(\.|%2e){1,2}(/|%2f|%5c|\?|\Z)", path, re.IGNORECASE)
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "Post", "dElEtE"])
requests = st.builds(IntercomRequest, methods, paths, json_values)

seconds = st.none() | st.floats(-1e6, 1e12) | st.integers(-1000, 1000).map(float)
counts = st.none() | st.integers(0, 2000) | st.integers(0, 10**15)
rate_limits = st.builds(RateLimit, seconds, seconds, seconds, counts, counts)
responses = st.builds(
    Response,
    st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 700])
    | st.integers(100, 999),
    rate_limits,
)
results = responses | st.builds(NoResponse, st.text())
"""What may come of one attempt."""

retry_states = st.builds(
    RetryState,
    methods.map(str.upper),
    previous_was_server_error=st.booleans(),
    possible_duplicate=st.booleans(),
    outage_failures=st.integers(0, 100),
    message_failures=st.integers(0, 100),
)
options = st.builds(PolicyOptions, st.booleans(), st.booleans(), st.booleans())
"""What an operator may choose about the policy."""
