"""What the sink promises, in the standard library alone.

Read in this order: `request` (what is sent), `outcome` (what comes of one attempt), `policy` (what follows from it),
`pacing` (when the next request may go), `delivery` (one message until it is settled), `lanes` (what goes side by side),
`sink` (the stream). `ports` says what is needed of the world outside.
"""
