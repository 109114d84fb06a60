# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium over its DevTools protocol: real clicks and keys, and what the page then is."""

from __future__ import annotations

import base64
import collections
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import types
import typing as t

import websocket

ANSWER_S = 60
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Backspace": 8}


class Page:
    """One page of a browser of its own."""

    def __init__(self, profile: pathlib.Path, width: int = 1280, height: int = 900) -> None:
        switches = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*"]
        command = [os.environ["KVMFLEET_CHROMIUM"], *switches, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True)
        self._numbers = itertools.count(1)
        self.events: collections.deque[dict[str, t.Any]] = collections.deque()
        self._session: str | None = None
        self._socket = websocket.create_connection(self._address(), timeout=ANSWER_S)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def _address(self) -> str:
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            found = re.search(r"DevTools listening on (ws://\S+)", line)
            if found:
                return found.group(1)
        raise AssertionError(f"Chromium ended: {''.join(said)}")

    def __enter__(self) -> Page:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        self._socket.close()
        # Debian's command is a script: the browser and its helpers are a group of their own.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate(timeout=ANSWER_S)

    def call(self, method: str, **parameters: t.Any) -> dict[str, t.Any]:
        """The result of one command; what the page says meanwhile is kept as events."""
        number = next(self._numbers)
        message: dict[str, t.Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return t.cast("dict[str, t.Any]", answer["result"])
            if "method" in answer:
                self.events.append(answer)

    def open(self, path: pathlib.Path) -> None:
        """Load a file, and wait until all of it is there."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self._socket.recv()))

    def ask(self, expression: str) -> t.Any:
        """The value of a JavaScript expression, after what it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, element: str) -> None:
        """Press and release the mouse in the middle of what a JavaScript expression finds."""
        x, y = self.ask(
            f"(() => {{ const it = {element}; it.scrollIntoView({{block: 'center'}}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        # What the click has set off, such as a jump to another part of the page.
        self.ask("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, times: int = 1) -> None:
        """Press one of KEYS."""
        text = {"text": "\r"} if key == "Enter" else {}
        for _time in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=KEYS[key], **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    def media(self, media: str = "", scheme: str = "light") -> None:
        """Show the page as on this medium (what it is on if left out), in this colour scheme."""
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path: pathlib.Path) -> None:
        """Save the whole page as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])

    def complaints(self) -> list[str]:
        """What the browser has found wrong: errors of scripts, what the page's own policy has blocked."""
        self.ask("new Promise((done) => setTimeout(done, 0))")
        told = [event["params"]["entry"]["text"] for event in self.events if event["method"] == "Log.entryAdded"]
        return told + [str(event["params"]["exceptionDetails"]) for event in self.events if event["method"] == "Runtime.exceptionThrown"]

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
