"""The sandbox gateway over real HTTP: a sender on one side, an agency that hears receipts on the other."""

import asyncio
import hashlib
import hmac
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.gateway import Behaviour, Down, Sandbox

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(true: Callable[[], Any], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@contextmanager
def gateway(folder: Path, *receipts_to: str) -> "Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]":
    (folder / "secret").write_bytes(SECRET + b"\n")
    port = free_port()
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


@pytest.fixture(scope="module")
def agencies() -> Iterator[list[Agency]]:
    both = [Agency(), Agency()]
    yield both
    for one in both:
        one.close()


@pytest.fixture(scope="module")
def running(agencies: list[Agency], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with gateway(tmp_path_factory.mktemp("gateway"), *(one.url for one in agencies)) as (client, _):
        yield client


@pytest.fixture
def client(running: httpx.Client, agencies: list[Agency], reference: str) -> httpx.Client:
    """The same gateway for all, as if just started: every test has references and agencies of its own."""
    running.delete("/recorded")
    running.put("/behaviour", json={"channel": "*", "to": "*", "does": "deliver"})
    for one in agencies:
        one.heard, one.answers, one.about = [], [], reference
    return running


@pytest.fixture
def agency(agencies: list[Agency]) -> Agency:
    return agencies[0]


@pytest.fixture
def reference() -> str:
    return f"msg_{uuid.uuid4().hex}:1"


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


def test_a_whatsapp_message_is_answered_and_told_of_in_metas_form(
    client: httpx.Client, agency: Agency, reference: str
) -> None:
    answer = whatsapp(client, agency, reference)
    assert answer.status_code == 200
    wamid = answer.json()["messages"][0]["id"]
    assert wamid.startswith("wamid.")
    assert answer.json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": NUMBER, "wa_id": "6281000000021"}],
        "messages": [{"id": wamid}],
    }
    until(lambda: agency.heard)
    (told,) = agency.told()
    timestamp = row_of(told)["timestamp"]
    assert abs(int(timestamp) - time.time()) < 60
    row = {"id": wamid, "status": "delivered", "timestamp": timestamp, "recipient_id": "6281000000021"}
    value = {"messaging_product": "whatsapp", "statuses": [{**row, "biz_opaque_callback_data": reference}]}
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    assert told == {"object": "whatsapp_business_account", "entry": [entry]}


def test_an_sms_is_answered_and_told_of(client: httpx.Client, agency: Agency, reference: str) -> None:
    answer = sms(client, agency, reference)
    message_id = answer.json()["message_id"]
    assert (answer.status_code, answer.json()) == (202, {"message_id": message_id, "status": "accepted"})
    until(lambda: agency.heard)
    (told,) = agency.told()
    assert datetime.fromisoformat(told["at"]).utcoffset() is not None
    assert told == {"message_id": message_id, "reference": reference, "status": "delivered", "at": told["at"]}


@SENDS
def test_receipts_are_signed_over_their_very_bytes(
    client: httpx.Client, agency: Agency, reference: str, send: Send
) -> None:
    send(client, agency, reference)
    until(lambda: agency.heard)
    ((body, signature),) = agency.heard
    assert signature == "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def test_what_was_sent_can_be_looked_at_and_cleared(client: httpx.Client, agency: Agency, reference: str) -> None:
    whatsapp(client, agency, reference)
    sms(client, agency, reference + "0")
    until(lambda: len(agency.heard) == 2)
    first, second = client.get("/recorded").json()
    common = {"to": NUMBER, "status": "delivered"}
    template = {"template": "kabar_v1", "language": "id", "parameters": ["+62911000000"]}
    unsaid = {"id": first["id"], "at": first["at"]}
    assert first == {**common, **template, **unsaid, "channel": "WHATSAPP", "reference": reference}
    assert (second["channel"], second["text"], second["reference"]) == ("SMS", "Ada kabar untuk Anda.", reference + "0")
    assert client.delete("/recorded").status_code == 204
    assert client.get("/recorded").json() == []


@SENDS
def test_the_same_reference_is_answered_the_same_and_sent_once(
    client: httpx.Client, agency: Agency, reference: str, send: Send
) -> None:
    first = send(client, agency, reference)
    assert send(client, agency, reference).json() == first.json()
    assert len(client.get("/recorded").json()) == 1
    client.delete("/recorded")
    assert send(client, agency, reference).json() == first.json()
    assert client.get("/recorded").json() == []
    time.sleep(0.4)
    assert agency.statuses(reference) == ["delivered"]


def test_each_provider_has_references_of_its_own(client: httpx.Client, agency: Agency, reference: str) -> None:
    sms(client, agency, reference)
    whatsapp(client, agency, reference)
    assert [one["channel"] for one in client.get("/recorded").json()] == ["SMS", "WHATSAPP"]


def test_the_agency_that_the_sender_names_is_told_alone(
    client: httpx.Client, agencies: list[Agency], reference: str
) -> None:
    sms(client, agencies[1], reference)
    until(lambda: agencies[1].heard)
    time.sleep(0.2)
    assert agencies[0].heard == []


@pytest.mark.parametrize("named", [{}, {"X-Receipts-To": "http://127.0.0.1:9/elsewhere"}])
def test_all_agencies_are_told_where_none_of_them_is_named(
    client: httpx.Client, agencies: list[Agency], reference: str, named: dict[str, str]
) -> None:
    agencies[0].answers = [404] * 4  # it does not know the message, and holds nobody up
    client.post("/sms/v1/messages", json={"to": NUMBER, "text": "x", "reference": reference}, headers=named)
    until(lambda: agencies[1].heard, 2)
    until(lambda: len(agencies[0].heard) == 5)


@pytest.mark.parametrize("status", [404, 409, 500, 503])
def test_a_receipt_that_finds_no_ear_is_told_again_with_growing_pauses(
    client: httpx.Client, agency: Agency, reference: str, status: int
) -> None:
    agency.answers = [status, status]
    sms(client, agency, reference)
    began = time.monotonic()
    until(lambda: len(agency.heard) == 3)
    assert time.monotonic() - began > 0.5  # 0.2 and 0.4 after the delay
    assert len(set(agency.heard)) == 1
    time.sleep(1)
    assert len(agency.heard) == 3


@pytest.mark.parametrize("status", [400, 401, 422])
def test_a_receipt_that_is_refused_for_good_is_not_told_again(
    client: httpx.Client, agency: Agency, reference: str, status: int
) -> None:
    agency.answers = [status]
    sms(client, agency, reference)
    until(lambda: agency.heard)
    time.sleep(0.6)
    assert len(agency.heard) == 1


def test_an_agency_that_starts_late_hears_of_it_still(tmp_path: Path, reference: str) -> None:
    late = Agency()
    url, port = late.url, int(late.url.rsplit(":", 1)[1].split("/")[0])
    late.close()
    with gateway(tmp_path, url) as (client, _):
        assert sms(client, late, reference).status_code == 202
        time.sleep(0.3)
        heard: list[bytes] = []

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        with HTTPServer(("127.0.0.1", port), Door) as server:
            server.timeout = 10
            server.handle_request()
        assert [json.loads(one)["reference"] for one in heard] == [reference]


@SENDS
@pytest.mark.parametrize(
    ("does", "told"), [("deliver", ["delivered"]), ("fail", ["failed"]), ("bounce", ["delivered", "failed"])]
)
def test_it_does_as_told(
    client: httpx.Client, agency: Agency, reference: str, send: Send, does: str, told: list[str]
) -> None:
    behave(client, does)
    assert send(client, agency, reference).is_success
    until(lambda: agency.statuses(reference) == told)
    assert client.get("/recorded").json()[0]["status"] == told[-1]
    failed = [row_of(one) for one in agency.told() if "entry" in one and row_of(one)["status"] == "failed"]
    assert all(row["errors"][0]["code"] == 131026 for row in failed)


def test_a_bounce_is_told_in_order_even_where_the_first_receipt_had_to_wait(
    client: httpx.Client, agency: Agency, reference: str
) -> None:
    behave(client, "bounce")
    agency.answers = [503, 503]
    sms(client, agency, reference)
    until(lambda: len(agency.heard) == 4)
    assert agency.statuses(reference) == ["delivered", "delivered", "delivered", "failed"]


@SENDS
def test_silence_is_a_message_taken_and_never_told_of(
    client: httpx.Client, agency: Agency, reference: str, send: Send
) -> None:
    behave(client, "silent")
    assert send(client, agency, reference).is_success
    time.sleep(0.4)
    assert agency.heard == []
    assert client.get("/recorded").json()[0]["status"] == "accepted"


@SENDS
def test_a_receipt_may_be_there_before_the_answer(
    client: httpx.Client, agency: Agency, reference: str, send: Send
) -> None:
    behave(client, "receipt-first")
    agency.answers = [404]  # the sender may not have written it down yet
    assert send(client, agency, reference).is_success
    assert agency.statuses(reference) == ["delivered"]
    until(lambda: agency.statuses(reference) == ["delivered", "delivered"])


@SENDS
def test_a_provider_that_is_down_takes_nothing(
    client: httpx.Client, agency: Agency, reference: str, send: Send
) -> None:
    behave(client, "refuse")
    refused = send(client, agency, reference)
    assert refused.status_code == 503
    if send is whatsapp:
        assert {"message", "type", "code"} <= refused.json()["error"].keys()
    assert client.get("/recorded").json() == []
    behave(client, "deliver")
    assert send(client, agency, reference).is_success
    until(lambda: agency.statuses(reference) == ["delivered"])


def test_a_behaviour_fits_a_channel_and_a_number_and_the_latest_counts(
    client: httpx.Client, agency: Agency, reference: str
) -> None:
    behave(client, "refuse", "WHATSAPP", NUMBER)
    assert sms(client, agency, reference).status_code == 202
    assert whatsapp(client, agency, reference).status_code == 503
    assert whatsapp(client, agency, reference, to="6281000000021").status_code == 503  # the same number
    assert whatsapp(client, agency, reference, to="+6281000000022").status_code == 200
    behave(client, "deliver")
    assert whatsapp(client, agency, reference + "0").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"does": "explode"},
        {"does": "fail", "channel": "TELEGRAM"},
        {"does": "fail", "to": "everybody"},
        {},
    ],
)
def test_a_behaviour_it_does_not_know_is_refused(client: httpx.Client, body: dict[str, str]) -> None:
    assert client.put("/behaviour", json=body).status_code == 422


@pytest.mark.parametrize(
    "broken",
    [
        {"messaging_product": "telegram"},
        {"type": "text"},
        {"to": "nobody"},
        {"template": None},
        {"template": {"name": "kabar_v1"}},
        {
            "template": {
                "name": "kabar_v1",
                "language": {"code": "id"},
                "components": [{"type": "body", "parameters": 1}],
            }
        },
    ],
)
def test_a_whatsapp_message_of_another_form_is_refused_as_meta_does(
    client: httpx.Client, agency: Agency, reference: str, broken: dict[str, Any]
) -> None:
    refused = whatsapp(client, agency, reference, **broken)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)
    assert refused.json()["error"]["type"] == "OAuthException"
    assert client.get("/recorded").json() == []


def test_what_is_no_json_is_refused_as_meta_does(client: httpx.Client) -> None:
    refused = client.post("/v21.0/100/messages", content=b"{", headers=BEARER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}])
def test_whatsapp_asks_for_a_token(client: httpx.Client, reference: str, headers: dict[str, str]) -> None:
    refused = client.post("/v21.0/100/messages", json=form(reference), headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, 190)
    assert client.get("/recorded").json() == []


@pytest.mark.parametrize("missing", ["to", "text", "reference"])
def test_an_sms_of_another_form_is_refused(client: httpx.Client, reference: str, missing: str) -> None:
    body = {"to": NUMBER, "text": "x", "reference": reference}
    del body[missing]
    assert client.post("/sms/v1/messages", json=body).status_code == 422


def test_it_ends_cleanly_even_while_receipts_wait(tmp_path: Path, reference: str) -> None:
    deaf = f"http://127.0.0.1:{free_port()}/receipts"
    with gateway(tmp_path, deaf) as (client, process):
        client.post("/sms/v1/messages", json={"to": NUMBER, "text": "x", "reference": reference})
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_without_a_secret_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for file in ("empty", "not-there"):
        command = [sys.executable, "-m", "deploy.local.gateway", "--port", "1", "--secret-file", str(tmp_path / file)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2
        assert "--secret-file" in ended.stderr.splitlines()[-1]


async def test_it_keeps_the_last_messages_only() -> None:
    sandbox = Sandbox([], SECRET, kept=3)
    for number in range(10):
        await sandbox.take("SMS", NUMBER, f"r{number}", "", {"text": "x"})
        await asyncio.sleep(0.15)
    assert [one["reference"] for one in sandbox.recorded] == ["r7", "r8", "r9"]
    await sandbox.take("SMS", NUMBER, "r9", "", {"text": "x"})
    await sandbox.take("SMS", NUMBER, "r0", "", {"text": "x"})  # forgotten, so new
    assert [one["reference"] for one in sandbox.recorded] == ["r8", "r9", "r0"]
    for number in range(10):
        sandbox.behave(Behaviour(to=f"+62810000000{number}", does="refuse"))
    await sandbox.take("SMS", "+628100000000", "first", "", {"text": "x"})  # too long ago
    with pytest.raises(Down):
        await sandbox.take("SMS", "+628100000009", "last", "", {"text": "x"})
    await sandbox.close()


async def test_it_takes_no_more_than_it_can_tell_of() -> None:
    sandbox = Sandbox([], SECRET, kept=3, delay=30)
    for number in range(3):
        await sandbox.take("SMS", NUMBER, f"r{number}", "", {"text": "x"})
    with pytest.raises(Down):
        await sandbox.take("SMS", NUMBER, "r3", "", {"text": "x"})
    await sandbox.close()
