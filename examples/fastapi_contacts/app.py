"""A view that publishes a change of a contact: uvicorn examples.fastapi_contacts.app:app

    curl -X PUT localhost:8000/contacts/5ba682d2 -H 'Content-Type: application/json' -d '{"name": "Ada"}'

Needs CJW_RABBITMQ_HOST and CJW_INTERCOM_QUEUE_NAME, as the sink does.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, cast
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from intercom_sink import BrokerUnavailable, IntercomRequest, MalformedMessage, MessagePublisher, build_publisher


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """One publisher for the whole service. It connects when it is first used, so RabbitMQ may start later."""
    with build_publisher(os.environ) as publisher:
        app.state.publisher = publisher
        yield


app = FastAPI(lifespan=lifespan)


def get_publisher(request: Request) -> MessagePublisher:
    """The dependency that a test overrides."""
    return cast(MessagePublisher, request.app.state.publisher)


class ContactChange(BaseModel):
    """What may be changed; fields that are not sent are left as they are."""

    name: str | None = None
    email: str | None = None


class Published(BaseModel):
    """The message that was published."""

    message_id: str


# A plain `def`: FastAPI runs it in a thread, as publishing blocks until the broker has the message.
@app.put("/contacts/{contact_id}", status_code=202)
def change_contact(
    contact_id: str, change: ContactChange, publisher: Annotated[MessagePublisher, Depends(get_publisher)]
) -> Published:
    """Publishes the change. Changes of one contact reach Intercom in their order, because they share a key."""
    path = f"/contacts/{quote(contact_id, safe='')}"
    request = IntercomRequest("PUT", path, change.model_dump(exclude_unset=True))
    return Published(message_id=publisher.publish(request, ordering_key=f"contact-{contact_id}"))


@app.exception_handler(MalformedMessage)
def refuse(request: Request, error: MalformedMessage) -> JSONResponse:
    """The client's mistake, InvalidRequest included. The text shows nothing of the values."""
    return JSONResponse({"detail": str(error)}, 422)


@app.exception_handler(BrokerUnavailable)
def try_later(request: Request, error: BrokerUnavailable) -> JSONResponse:
    """The client may send the change again, but the first one may be in the queue nevertheless.

    The second one then repeats it, and so undoes a change of the same fields that was made in between.
    """
    return JSONResponse({"detail": "the change could not be queued"}, 503, {"Retry-After": "5"})
