"""What the sink promises, in the standard library alone.

Read in this order: `request` (what is sent), `response` (the result of one attempt), `policy` (what follows from it),
`rate_window` and `rate_limiter` (when the next request may be sent), `diagnosis` and `hold` (whose fault a failure is),
`handler` (one message), `lanes` (several at once), `sink` (the stream). `ports` says what is needed from outside,
`events` everything that can happen.
"""
