"""A sender, agencies that hear receipts, and the sandbox gateway between them, over real HTTP."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.loopback import free_ports

ROOT = Path(__file__).resolve().parents[3]
SECRET = b"rahasia-bersama"
NUMBER = "+6281000000021"
BEARER = {"Authorization": "Bearer sandbox"}


class Agency:
    """Hears receipts of the message `about`, others it takes and forgets. `answers` are given first, then 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self.about = ""
        agency = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ours = agency.about.encode() in body
                if ours:
                    agency.heard.append((body, self.headers["X-Gateway-Signature"]))
                self.send_response(agency.answers.pop(0) if ours and agency.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: pytest shows what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/receipts"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def told(self) -> list[Any]:
        return [json.loads(body) for body, _ in self.heard]

    def statuses(self, reference: str) -> list[str]:
        """Of this message, in the order heard."""
        rows = [one if "reference" in one else row_of(one) for one in self.told()]
        named = ("reference", "biz_opaque_callback_data")
        return [row["status"] for row in rows if reference in [row.get(name) for name in named]]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def row_of(webhook: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = webhook["entry"][0]["changes"][0]["value"]["statuses"][0]
    return row


def until(true: Callable[[], Any], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@contextmanager
def gateway(folder: Path, *receipts_to: str) -> "Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]":
    (folder / "secret").write_bytes(SECRET + b"\n")
    port = next(free_ports())
    command = [sys.executable, "-m", "deploy.local.gateway", "--port", str(port), "--receipts-to", *receipts_to]
    command += ["--secret-file", str(folder / "secret")]
    with (
        subprocess.Popen(command, cwd=ROOT) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):

        def answers() -> bool:
            assert process.poll() is None, "it ended by itself"
            try:
                return client.get("/recorded").is_success
            except httpx.ConnectError:
                return False

        try:
            until(answers, 60)
            yield client, process
        finally:
            process.terminate()


def sms(client: httpx.Client, agency: Agency, reference: str, to: str = NUMBER) -> httpx.Response:
    body = {"to": to, "text": "Ada kabar untuk Anda.", "reference": reference}
    return client.post("/sms/v1/messages", json=body, headers={**BEARER, "X-Receipts-To": agency.url})


def form(reference: str, **other: Any) -> dict[str, Any]:
    body = {"type": "body", "parameters": [{"type": "text", "text": "+62911000000"}]}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": NUMBER,
        "type": "template",
        "template": {"name": "kabar_v1", "language": {"code": "id"}, "components": [body]},
        "biz_opaque_callback_data": reference,
        **other,
    }


def whatsapp(client: httpx.Client, agency: Agency, reference: str, **other: Any) -> httpx.Response:
    headers = {**BEARER, "X-Receipts-To": agency.url}
    return client.post("/v21.0/100/messages", json=form(reference, **other), headers=headers)


SENDS = pytest.mark.parametrize("send", [sms, whatsapp])
Send = Callable[[httpx.Client, Agency, str], httpx.Response]


def behave(client: httpx.Client, does: str, channel: str = "*", to: str = "*") -> None:
    assert client.put("/behaviour", json={"channel": channel, "to": to, "does": does}).status_code == 200
