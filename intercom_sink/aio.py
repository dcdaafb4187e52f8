"""The publisher for asyncio, on aio-pika. Needs the extra `aio`."""

try:
    from intercom_sink.adapters.rabbitmq.async_publisher import AsyncPublisher
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("aio_pika", "aiormq"):
        raise
    raise ModuleNotFoundError(
        "intercom_sink.aio needs the extra `aio`: pip install 'intercom-sink[aio]'", name=error.name
    ) from error

__all__ = ["AsyncPublisher"]
