"""The module of the extra `aio`."""

import subprocess
import sys

import pytest

from intercom_sink import aio
from intercom_sink.adapters.rabbitmq.async_publisher import AsyncPublisher


def test_publisher_is_there_if_the_extra_is_installed() -> None:
    assert aio.AsyncPublisher is AsyncPublisher


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("aio_pika", "intercom_sink.aio needs the extra `aio`: pip install 'intercom-sink[aio]'"),
        ("asyncio", "import of asyncio halted"),
    ],
)
def test_error_names_the_extra_if_it_is_not_installed(missing: str, message: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nimport intercom_sink.aio"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ModuleNotFoundError: {message}")
