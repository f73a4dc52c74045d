"""A real headless Chromium by the W3C WebDriver protocol: a few HTTP calls, so no package is needed for them."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PACKAGES = ("chromium", "chromium-driver")
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Down": "\ue015"}
START_SECONDS = 60


def here() -> bool:
    return all(shutil.which(name) for name in ("chromium", "chromedriver"))


def obtainable() -> bool:
    """Whether the browser is there, or the machine's own package manager may bring it."""
    return here() or (os.geteuid() == 0 and shutil.which("apt-get") is not None)


def obtain() -> None:
    """Bring the browser where it is missing. Raises RuntimeError where that may not be."""
    if here():
        return
    if not obtainable():
        raise RuntimeError(f"no browser: install {' and '.join(PACKAGES)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"no browser: apt-get {words[0]}: {done.stderr.strip()[-200:]}")


class Browser:
    """One window of one session."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._at = f"/session/{session}"

    def open(self, file: Path, place: str = "") -> None:
        self.call("url", url=file.resolve().as_uri() + place)

    def run(self, script: str, *given: Any) -> Any:
        return self.call("execute/sync", script=script, args=list(given))

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """A screen of this size in CSS pixels: Chromium's own window has a least width, an emulated one has not."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})

    def press(self, *keys: str) -> None:
        """Keys as a person presses them, one after the other; a word is typed."""
        actions: list[dict[str, str]] = []
        for key in keys:
            for letter in [KEYS[key]] if key in KEYS else key:
                actions += [{"type": kind, "value": letter} for kind in ("keyDown", "keyUp")]
        self.call("actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def devtools(self, command: str, given: dict[str, Any]) -> Any:
        return self.call("goog/cdp/execute", cmd=command, params=given)

    def complaints(self) -> list[str]:
        """What the console holds since it was last asked: scripts that failed, what the policy refused."""
        return [str(row["message"]) for row in self.call("se/log", type="browser")]

    def asked_for(self) -> set[str]:
        """Every address that pages have asked for since this was last asked."""
        told = [json.loads(row["message"])["message"] for row in self.call("se/log", type="performance")]
        return {one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"}

    def photograph(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._value(self._http.get(f"{self._at}/screenshot"))))

    def call(self, path: str, **body: Any) -> Any:
        return self._value(self._http.post(f"{self._at}/{path}", json=body))

    @staticmethod
    def _value(answer: httpx.Response) -> Any:
        value = answer.json()["value"]
        assert answer.status_code == 200, f"{value['error']}: {value['message'][:300]}"
        return value


@contextmanager
def browsing() -> Iterator[Browser]:
    """A fresh browser without a profile; ended with all its children."""
    obtain()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            session = _session(http, driver)
            try:
                yield Browser(http, session)
            finally:
                http.delete(f"/session/{session}")
    finally:
        driver.terminate()
        driver.wait(timeout=20)


def _session(http: httpx.Client, driver: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + START_SECONDS
    while True:
        assert driver.poll() is None, "chromedriver ended at once"
        assert time.monotonic() < until, "chromedriver does not answer"
        try:
            if http.get("/status").json()["value"]["ready"]:
                break
        except httpx.TransportError:
            time.sleep(0.05)
    options = {"args": _switches(), "binary": shutil.which("chromium")}
    wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    answer = http.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
    assert "sessionId" in answer, answer.get("message", "")[:300]
    return str(answer["sessionId"])


def _switches() -> Sequence[str]:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox to go into
    return ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-no-reduced-motion", *root]
