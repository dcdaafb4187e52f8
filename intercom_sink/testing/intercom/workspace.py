"""What a workspace of Intercom knows of contacts and events, as far as a test needs it.

Sources:
- contacts: https://developers.intercom.com/docs/references/2.1/rest-api/contacts/create-contact (409, `conflict`) and
  https://developers.intercom.com/docs/references/2.3/rest-api/contacts/delete-contact (404, `not_found`)
- duplicate events: https://developers.intercom.com/intercom-api-reference/reference/createdataevent says by what an
  event is identified; https://developers.intercom.com/docs/references/1.1/rest-api/data-events/event-de-duplication
  says that a duplicate gets the normal 202
"""

import json
import threading

from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing.intercom.exchange import Behaviour
from intercom_sink.testing.intercom.responses import error, reply

UNIQUE = ("external_id", "email")
"""The fields that a new contact may not share with another. Intercom lets leads share an address; so does this."""


class Workspace:
    """Contacts that are created, updated and deleted, and events that are kept once; thread-safe.

    Any other request succeeds. Simpler than Intercom: an event needs no known contact, an update may give a contact the
    unique fields of another, and nothing is validated.

    Attributes:
        contacts: by id.
        events: in the order of their arrival, without duplicates.
    """

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, JsonValue]] = {}
        self.events: list[dict[str, JsonValue]] = []
        self._lock = threading.Lock()
        self._event_keys: set[str] = set()
        self._created = 0

    def respond(self, method: str, path: str, data: JsonValue) -> Behaviour:
        """Does what the request asks for; returns the response to send.

        Args:
            method: in upper case.
            path: may have a query string, which is ignored.
            data: the body, as a JSON value.
        """
        fields = data if isinstance(data, dict) else {}
        with self._lock:
            match (method, *path.partition("?")[0].strip("/").split("/")):
                case ("GET", "me"):
                    return reply(200, data=_ME)
                case ("POST", "contacts"):
                    return self._create(fields)
                case ("GET" | "PUT" | "DELETE", "contacts", contact_id):
                    return self._use(method, contact_id, fields)
                case ("POST", "events"):
                    return self._record(fields)
                case _:
                    return reply(200)

    def _create(self, fields: dict[str, JsonValue]) -> Behaviour:
        if (existing := self._find_duplicate(fields)) is not None:
            return error(409, message=f"A contact matching those details already exists with id={existing}")
        self._created += 1
        contact_id = f"{self._created:024x}"
        self.contacts[contact_id] = {"type": "contact", "role": "user", **fields, "id": contact_id}
        return reply(200, data=self.contacts[contact_id])

    def _use(self, method: str, contact_id: str, fields: dict[str, JsonValue]) -> Behaviour:
        contact = self.contacts.get(contact_id)
        if contact is None:
            return error(404, message="Contact Not Found")
        if method == "PUT":
            contact |= fields | {"id": contact_id}
        elif method == "DELETE":
            del self.contacts[contact_id]
            return reply(200, data={"type": "contact", "id": contact_id, "deleted": True})
        return reply(200, data=contact)

    def _record(self, fields: dict[str, JsonValue]) -> Behaviour:
        users = [fields.get(name) for name in ("user_id", "id", "intercom_user_id", "email")]
        created_at = fields.get("created_at")
        key = json.dumps([fields.get("event_name"), created_at, *users], sort_keys=True)
        if created_at is None or key not in self._event_keys:
            self._event_keys.add(key)
            self.events.append(fields)
        return reply(202, body=b"")

    def _find_duplicate(self, fields: dict[str, JsonValue]) -> str | None:
        """The id of a contact that has the same unique fields; None: there is none."""
        unique = [name for name in UNIQUE if fields.get(name) and (name != "email" or fields.get("role") != "lead")]
        for contact_id, contact in self.contacts.items():
            for name in unique:
                if contact.get(name) == fields[name] and (name != "email" or contact["role"] != "lead"):
                    return contact_id
        return None


_ME: JsonValue = {
    "type": "admin",
    "id": "1",
    "name": "Fake Admin",
    "email": "admin@example.com",
    "app": {"type": "app", "id_code": "fake", "name": "Fake Intercom", "region": "US"},
}
