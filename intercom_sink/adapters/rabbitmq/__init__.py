"""RabbitMQ, on pika.

`source` fulfils the MessageSource port; `consumer` is the one connection it currently has; `publisher` and `inspection`
are for the command line; `urls` and `faults` translate what goes in and what pika raises.
"""

ORDERING_KEY = "x-ordering-key"
"""The header by which a producer says which messages must stay in order."""
