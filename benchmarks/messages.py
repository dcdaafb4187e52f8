"""The requests that every contender sends.

Contenders import this module, so it imports next to nothing: its imports would count as their startup and memory.
"""

from typing import Any

TOKEN = "dG9rOjEyMzQ1Njc4OTA="
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}

PATH = "/contacts"
HOT_PATH = "/events"
"""The path of the messages with the hot key, by which the server counts them apart from the others."""

DATA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "signed_up_at": 1_700_000_000,
    "custom_attributes": {"plan": "pro", "seats": 12, "trial": False, "referrer": "https://example.com/engines"},
}

KEYS = [f"key-{number}" for number in range(256)]
"""The ordering keys, used in turn. The first one is the hot key in the cases that have one."""
