"""A headless Chromium, controlled over a pipe by the DevTools protocol."""

import base64
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
TIMEOUT = 30  # seconds for any response
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, "PageUp": 33,
        "PageDown": 34, "Tab": 9, "Enter": 13}  # fmt: skip


class Browser:
    """A running browser, the events received so far, and the open pages."""

    def __init__(self, command_pipe: int, response_pipe: int) -> None:
        """Use the file descriptors of the two pipes."""
        self.command_pipe, self.response_pipe = command_pipe, response_pipe
        self.message_ids, self.unread = itertools.count(1), b""
        self.events: list[dict[str, Any]] = []
        self.pages: list[Page] = []

    def send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and return its result; raises AssertionError if the browser reports an error."""
        message_id = next(self.message_ids)
        message = {"id": message_id, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.command_pipe, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while (response := self.receive(deadline)).get("id") != message_id:
            self.events.append(response)
        assert "error" not in response, f"{method}: {response['error']}"
        result: dict[str, Any] = response["result"]
        return result

    def close_pages(self) -> None:
        """Close all open pages."""
        while self.pages:
            self.pages.pop().close()

    def receive(self, deadline: float) -> dict[str, Any]:
        """Return the next message, a response or an event."""
        while b"\0" not in self.unread:
            seconds = max(0, deadline - time.monotonic())
            assert select.select([self.response_pipe], [], [], seconds)[0], "the browser does not respond"
            chunk = os.read(self.response_pipe, 2**20)
            assert chunk, "the browser has exited"
            self.unread += chunk
        text, _, self.unread = self.unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with a temporary profile, and kill it at the end of the block."""
    assert CHROMIUM
    (command_read, command_write), (response_read, response_write) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
        # Chromium reads commands from descriptor 3 and writes responses to descriptor 4.
        redirect = f'exec "$@" 3<&{command_read} 4>&{response_write}'
        process = subprocess.Popen(
            ["bash", "-c", redirect, "bash", CHROMIUM, *flags, "--remote-debugging-pipe"],
            pass_fds=(command_read, response_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(command_read)
        os.close(response_write)
        try:
            yield Browser(command_write, response_read)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(TIMEOUT)
            os.close(command_write)
            os.close(response_read)


class Page:
    """An open page of the explorer."""

    def __init__(self, browser: Browser, page: Path, width: int = 1280, height: int = 900, **media: str) -> None:
        """Open a file; a narrow width emulates a phone, and `media` sets media features (prefers-…)."""
        self.browser, self.url = browser, page.resolve().as_uri()
        browser.pages.append(self)
        self.target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.send(f"{domain}.enable")
        is_phone = width < 600
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Page.navigate", url=self.url)
        self.wait_for("globalThis.explorer?.image != null")

    def close(self) -> None:
        """Close the page."""
        self.browser.send("Target.closeTarget", targetId=self.target)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to the page and return its result."""
        return self.browser.send(method, self.session, **params)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        response = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true; raises AssertionError after `TIMEOUT` seconds."""
        deadline = time.monotonic() + TIMEOUT
        while not self.run(condition):
            assert time.monotonic() < deadline, f"timeout: {condition}"
            time.sleep(0.01)

    def settle(self) -> None:
        """Wait until pending changes are rendered."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def position(self, selector: str, x: float = 0.5, y: float = 0.5) -> dict[str, float]:
        """Return window coordinates of a point in an element, given as fractions of its width and height."""
        point: dict[str, float] = self.run(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)});"
            "element.scrollIntoView({block: 'center'}); const box = element.getBoundingClientRect();"
            f"return {{x: box.x + {x} * box.width, y: box.y + {y} * box.height}}; }})()"
        )
        return point

    def drag(self, selector: str, *fractions: tuple[float, float]) -> None:
        """Press the mouse button at the first point of an element, move over the others, and release it."""
        points = [self.position(selector, *pair) for pair in fractions]
        mouse = {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type="mousePressed", **points[0], **mouse)
        for point in points[1:]:
            self.send("Input.dispatchMouseEvent", type="mouseMoved", **point, button="left", buttons=1)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", **points[-1], **mouse)
        self.settle()

    def touch(self, selector: str, *fractions: tuple[float, float]) -> None:
        """Touch the first point of an element, move over the others, and end the touch."""
        points = [self.position(selector, *pair) for pair in fractions]
        for kind, point in zip(("touchStart", *["touchMove"] * len(points[1:])), points, strict=True):
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=[point])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def click(self, selector: str) -> None:
        """Click the centre of an element."""
        self.drag(selector, (0.5, 0.5))

    def press(self, selector: str, *keys: str) -> None:
        """Focus an element and press keys."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        for key in keys:
            code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            self.send("Input.dispatchKeyEvent", type="keyDown", **code)
            self.send("Input.dispatchKeyEvent", type="keyUp", **code)
        self.settle()

    def drop(self, selector: str, file: Path) -> None:
        """Drop a file on an element."""
        data = {"items": [], "files": [str(file.resolve())], "dragOperationsMask": 1}
        point = self.position(selector)
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, **point, data=data)

    def choose(self, selector: str, file: Path) -> None:
        """Select a file in a file input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        field = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(file.resolve())], nodeId=field)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Write a screenshot of the window, or of the whole page, as PNG."""
        response = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(response["data"]))

    def console_messages(self) -> list[Any]:
        """Return all console messages and exceptions."""
        kinds = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [event["params"] for event in self.find_events(kinds)]

    def requests(self) -> list[str]:
        """Return the URLs of all requests, except the page itself and embedded data."""
        urls = [event["params"]["request"]["url"] for event in self.find_events({"Network.requestWillBeSent"})]
        return [url for url in urls if url != self.url and not url.startswith(("data:", "blob:"))]

    def find_events(self, kinds: set[str]) -> list[dict[str, Any]]:
        """Return the events of this page of some kinds."""
        self.settle()
        return [
            event
            for event in self.browser.events
            if event.get("sessionId") == self.session and event["method"] in kinds
        ]
