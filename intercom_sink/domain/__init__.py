"""The domain: delivery policy, rate limiting and ordering. Imports only the standard library.

Read in this order: `request` (what is sent), `rate_limit` and `response` (the result of one attempt), `retry_state`
(what is remembered between attempts), `backoff` and `dead_letter`, `policy` (what follows from a result), `envelope`
(what is known of a message besides its body), `attempt`, `causes` and `events` (everything that can happen),
`rate_window`, `shared_window` and `rate_limiter` (when the next request may be sent), `diagnosis` and `hold` (whose
fault a failure is), `handler` (one message), `malformed` (one that is no valid request), `lanes` and `workers` (several
at once), `sink` (the stream).
For producers: `message` (a request, and what travels beside it), `known_refusals` (requests that Intercom refuses for
certain), `confirms` (the fate of what was published), `batch` (which message of several an error is about).
`ports` says what is needed from outside; `errors`, `json_value` and `monitors` are helpers of these.
"""
