"""What the sink promises, in the standard library alone.

Read in this order: `request` (what is sent), `outcome` (what comes of one attempt), `policy` (what follows from it),
`delivery` (one message until it is settled), `sink` (the stream). `ports` says what is needed of the world outside.
"""
