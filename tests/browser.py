"""A real browser: Chromium without a window, told what to do over a pipe in its DevTools protocol."""

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
PATIENCE = 30  # seconds that any answer may take
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, "PageUp": 33,
        "PageDown": 34, "Tab": 9, "Enter": 13}  # fmt: skip


class Browser:
    """A running one, what it has told unasked, and its open pages."""

    def __init__(self, commands: int, answers: int) -> None:
        self.commands, self.answers = commands, answers
        self.numbers, self.unread = itertools.count(1), b""
        self.events: list[dict[str, Any]] = []
        self.pages: list[Page] = []

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; raises AssertionError where it is refused."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while (told := self.told(until)).get("id") != number:
            self.events.append(told)
        assert "error" not in told, f"{method}: {told['error']}"
        result: dict[str, Any] = told["result"]
        return result

    def close_pages(self) -> None:
        while self.pages:
            self.pages.pop().close()

    def told(self, until: float) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self.unread:
            assert select.select([self.answers], [], [], max(0, until - time.monotonic()))[0], "the browser is silent"
            part = os.read(self.answers, 2**20)
            assert part, "the browser has ended"
            self.unread += part
        message, _, self.unread = self.unread.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own, which ends with the block, whatever happens in it."""
    assert CHROMIUM
    (from_us, to_it), (from_it, to_us) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
        fixed = f'exec "$@" 3<&{from_us} 4>&{to_us}'  # the numbers that Chromium knows the pipe by
        running = subprocess.Popen(
            ["bash", "-c", fixed, "bash", CHROMIUM, *flags, "--remote-debugging-pipe"],
            pass_fds=(from_us, to_us),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(from_us)
        os.close(to_us)
        try:
            yield Browser(to_it, from_it)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait(PATIENCE)
            os.close(to_it)
            os.close(from_it)


class Page:
    """A page in it."""

    def __init__(self, browser: Browser, page: Path, width: int = 1280, height: int = 900, **media: str) -> None:
        self.browser, self.url = browser, page.resolve().as_uri()
        browser.pages.append(self)
        self.target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(f"{domain}.enable")
        phone = width < 600
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url=self.url)
        self.wait_for("globalThis.explorer?.picture != null")

    def close(self) -> None:
        self.browser.ask("Target.closeTarget", targetId=self.target)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.ask(method, self.session, **params)

    def run(self, expression: str) -> Any:
        """The value of an expression, or of what it promises."""
        answer = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.run(condition):
            assert time.monotonic() < until, f"never: {condition}"
            time.sleep(0.01)

    def settle(self) -> None:
        """Wait until what was done is drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def place(self, selector: str, x: float = 0.5, y: float = 0.5) -> dict[str, float]:
        """Where a share of an element's width and height lies in the window."""
        spot: dict[str, float] = self.run(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)});"
            "element.scrollIntoView({block: 'center'}); const box = element.getBoundingClientRect();"
            f"return {{x: box.x + {x} * box.width, y: box.y + {y} * box.height}}; }})()"
        )
        return spot

    def drag(self, selector: str, *shares: tuple[float, float]) -> None:
        """Press the mouse on the first spot of an element, move it over the others, and let it go."""
        spots = [self.place(selector, *share) for share in shares]
        mouse = {"button": "left", "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type="mousePressed", **spots[0], **mouse)
        for spot in spots[1:]:
            self.ask("Input.dispatchMouseEvent", type="mouseMoved", **spot, button="left", buttons=1)
        self.ask("Input.dispatchMouseEvent", type="mouseReleased", **spots[-1], **mouse)
        self.settle()

    def touch(self, selector: str, *shares: tuple[float, float]) -> None:
        """Put a finger on the first spot of an element, move it over the others, and lift it."""
        spots = [self.place(selector, *share) for share in shares]
        for kind, spot in zip(("touchStart", *["touchMove"] * len(spots[1:])), spots, strict=True):
            self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[spot])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def click(self, selector: str) -> None:
        self.drag(selector, (0.5, 0.5))

    def press(self, selector: str, *keys: str) -> None:
        """Press keys with the focus on an element."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        for key in keys:
            code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **code)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **code)
        self.settle()

    def drop(self, selector: str, file: Path) -> None:
        """Drop a file on an element."""
        data = {"items": [], "files": [str(file.resolve())], "dragOperationsMask": 1}
        spot = self.place(selector)
        for kind in ("dragEnter", "dragOver", "drop"):
            self.ask("Input.dispatchDragEvent", type=kind, **spot, data=data)

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in a file field."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        field = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[str(file.resolve())], nodeId=field)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[Any]:
        """What stands in the console, exceptions among it."""
        kinds = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [event["params"] for event in self.told_of(kinds)]

    def requests(self) -> list[str]:
        """What was asked for, but for the page itself and what is in it."""
        urls = [event["params"]["request"]["url"] for event in self.told_of({"Network.requestWillBeSent"})]
        return [url for url in urls if url != self.url and not url.startswith(("data:", "blob:"))]

    def told_of(self, kinds: set[str]) -> list[dict[str, Any]]:
        self.settle()
        return [
            event
            for event in self.browser.events
            if event.get("sessionId") == self.session and event["method"] in kinds
        ]
