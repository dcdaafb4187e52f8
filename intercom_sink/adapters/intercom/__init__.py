"""Intercom's REST API; and a gateway that only logs.

| module | what it does |
|---|---|
| `gateway` | one attempt: writes the request, exchanges it, reads the response, translates failures; reloads a token |
| `request_writer` | the bytes of a request |
| `connection_pool` | connections that are kept alive; replaces one that was closed |
| `connecting` | opens connections with urllib3: addresses, proxy tunnels, TLS; holds every use of private API |
| `connection` | one exchange on one connection, on a socket that never blocks |
| `http1` | the bytes of a response, by RFC 9112: which response counts, and where its body ends |
| `http1_head` | the bytes of its head |
| `deadline` | by when all of that must have ended |
| `response` | what a response says of the rate limit, and its error list |
| `proxy` | a proxy's URL, and the hosts that are reached without it |
| `logging_gateway` | logs each request, and sends nothing |
"""
