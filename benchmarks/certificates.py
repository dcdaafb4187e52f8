"""A certificate for the server of the cases over TLS, and the authority that every contender trusts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Files: the server's certificate with its key, and the authority's certificate."""

    server: Path
    authority: Path


@contextmanager
def certificates() -> Iterator[Certificates]:
    """Makes them, and deletes them at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        made = Certificates(Path(folder, "server.pem"), Path(folder, "authority.pem"))
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(made.server))
        authority.cert_pem.write_to_path(str(made.authority))
        yield made
