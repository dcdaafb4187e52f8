"""TLS on the server's side."""

import ssl

import trustme


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server with these names, whose certificate is the authority's, listens with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
