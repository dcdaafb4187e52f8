"""What all contenders send. They import it: so it imports nothing, lest it count as theirs."""

from typing import Any

TOKEN = "dG9rOjEyMzQ1Njc4OTA="
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}

PATH = "/contacts"
HOT_PATH = "/events"
"""Of the messages that carry the one hot key, so that the server can tell them from the others."""

DATA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "signed_up_at": 1_700_000_000,
    "custom_attributes": {"plan": "pro", "seats": 12, "trial": False, "referrer": "https://example.com/engines"},
}

KEYS = [f"key-{number}" for number in range(256)]
"""The ordering keys, in turn; the first is the hot one, where there is a hot one."""
