"""A headless Chromium, driven over a pipe by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

Nothing but Chromium is needed: it reads commands from file descriptor 3 and writes answers to 4, JSON ended by NUL.
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_UNTIL_LOADED = "new Promise(done => document.readyState == 'complete' ? done(1) : addEventListener('load', done))"


class Browser:
    """One tab."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._received = b""
        self._count = 0
        self._session = ""
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._send("Page.enable")

    def resize(self, width: int, height: int, scheme: str) -> None:
        """Sets the size of the window in CSS pixels, and the colour scheme: `light` or `dark`."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._send("Emulation.setDeviceMetricsOverride", **metrics)
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Loads a page, and waits until all of it is there."""
        self._send("Page.navigate", url=url)
        self.evaluate(WAIT_UNTIL_LOADED)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of the promise that it is."""
        answer = self._send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, file: Path) -> None:
        """Writes a picture of the whole page, as PNG."""
        answer = self._send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(base64.b64decode(answer["data"]))

    def colour(self, x: float, y: float) -> tuple[int, int, int]:
        """The red, green and blue, 0 to 255, of the pixel at this place of the page."""
        clip = {"x": round(x), "y": round(y), "width": 1, "height": 1, "scale": 1}
        answer = self._send("Page.captureScreenshot", captureBeyondViewport=True, format="png", clip=clip)
        png = base64.b64decode(answer["data"])
        # The colours follow a byte that says how the line is filtered, which changes nothing in the first pixel.
        start = png.index(b"IDAT") + 4
        length = int.from_bytes(png[start - 8 : start - 4])
        _, red, green, blue = zlib.decompressobj().decompress(png[start : start + length])
        return red, green, blue

    def close(self) -> None:
        """Ends the browser."""
        self._session = ""
        self._send("Browser.close")
        os.close(self._commands)
        os.close(self._answers)

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = json.loads(self._read())
            if message.get("id") == self._count:
                assert "error" not in message, message
                answer: dict[str, Any] = message["result"]
                return answer

    def _read(self) -> bytes:
        while b"\0" not in self._received:
            received = os.read(self._answers, 1 << 20)
            assert received, "Chromium has ended"
            self._received += received
        message, _, self._received = self._received.partition(b"\0")
        return message


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Starts Chromium, and ends it."""
    program = next((found for name in NAMES if (found := shutil.which(name))), NAMES[0])
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()

    def place() -> None:
        """Puts the pipes where Chromium looks for them, whatever their numbers are."""
        pipes = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (command_read, answer_write)]
        for number, pipe in enumerate(pipes, 3):
            os.dup2(pipe, number)

    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--remote-debugging-pipe"]
        options += [f"--user-data-dir={profile}", "--no-first-run", "--disable-background-networking", "about:blank"]
        command = [program, *options]
        with subprocess.Popen(command, preexec_fn=place, close_fds=False, stderr=subprocess.DEVNULL) as process:
            os.close(command_read)
            os.close(answer_write)
            browser = Browser(command_write, answer_read)
            try:
                yield browser
            finally:
                browser.close()
                process.wait(20)
