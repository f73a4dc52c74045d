"""The sandbox gateway over real HTTP: a sender on one side, an agency that hears receipts on the other."""

import hashlib
import hmac
import json
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.tests.gateway_world import (
    NUMBER,
    SECRET,
    SENDS,
    Agency,
    Send,
    behave,
    gateway,
    row_of,
    sms,
    until,
    whatsapp,
)


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
