"""Receipts as the providers send them, and the signature that proves them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import Invalid, NotAuthenticated, Unavailable
from notification.adapters.webhooks import Receipt, Webhooks

SECRET = b"rahasia-bersama"
REFERENCE = "msg_" + "e" * 26 + ":2"


@pytest.fixture
def webhooks(tmp_path: Path) -> Webhooks:
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    return Webhooks(file)


def signed(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def read(webhooks: Webhooks, told: Any) -> list[Receipt]:
    body = json.dumps(told).encode()
    return webhooks.read(body, "sha256=" + signed(body))


def sms(**other: Any) -> dict[str, Any]:
    return {"message_id": "1", "reference": REFERENCE, "status": "delivered", "at": "2027-01-13T03:00:00Z", **other}


def whatsapp(*statuses: dict[str, Any]) -> dict[str, Any]:
    """As documented for the WhatsApp Business Cloud API, status webhook."""
    metadata = {"display_phone_number": "15550000000", "phone_number_id": "100"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": list(statuses)}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "102", "changes": [{"value": value, "field": "messages"}]}],
    }


def status(name: str, **other: Any) -> dict[str, Any]:
    told = {"id": "wamid.X", "status": name, "timestamp": "1799809200", "recipient_id": "6281000000021"}
    return {**told, "biz_opaque_callback_data": REFERENCE, **other}


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("accepted", "accepted"),
        ("sent", "accepted"),
        ("delivered", "delivered"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("bounced", "failed"),
    ],
)
def test_an_sms_receipt_is_read(webhooks: Webhooks, told: str, known: str) -> None:
    (receipt,) = read(webhooks, sms(status=told))
    assert (receipt.message_id, receipt.number, receipt.status) == (REFERENCE.split(":")[0], 2, known)
    assert receipt.told_at == datetime(2027, 1, 13, 3, tzinfo=UTC)


def test_a_whatsapp_webhook_may_hold_several(webhooks: Webhooks) -> None:
    told = read(
        webhooks,
        whatsapp(
            status("sent"),
            status("delivered"),
            status("read"),
            status("failed", errors=[{"code": 131026, "title": "Message undeliverable"}]),
            status("failed", errors=[{"code": 131050, "title": "Opted out"}]),
        ),
    )
    assert [(one.status, one.reason_code) for one in told] == [
        ("accepted", "FAILED"),
        ("delivered", "FAILED"),
        ("delivered", "FAILED"),
        ("failed", "FAILED"),
        ("failed", "NO_OPT_IN"),
    ]
    assert told[0].told_at == datetime.fromtimestamp(1799809200, UTC)


def test_a_webhook_about_something_else_tells_nothing(webhooks: Webhooks) -> None:
    value = {"messaging_product": "whatsapp", "messages": [{"from": "6281000000021", "text": {"body": "halo"}}]}
    other = {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": value, "field": "messages"}]}]}
    assert read(webhooks, other) == []


def test_the_signature_may_stand_without_its_prefix(webhooks: Webhooks) -> None:
    body = json.dumps(sms()).encode()
    assert webhooks.read(body, signed(body))
    assert webhooks.read(body, signed(body).upper())


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "é" * 64, signed(b"another body")])
def test_a_receipt_that_nobody_signed_is_refused(webhooks: Webhooks, signature: str) -> None:
    with pytest.raises(NotAuthenticated):
        webhooks.read(json.dumps(sms()).encode(), signature)


def test_an_empty_secret_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    body = json.dumps(sms()).encode()
    with pytest.raises(NotAuthenticated):
        Webhooks(tmp_path / "secret").read(body, hmac.new(b"", body, hashlib.sha256).hexdigest())


def test_without_the_secret_receipts_wait(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Webhooks(tmp_path / "not-there").read(b"{}", "x")


@pytest.mark.parametrize(
    "told",
    [
        sms(status="perhaps"),
        sms(reference="msg_x:1"),
        sms(reference=REFERENCE + "99"),
        sms(reference="msg_" + "e" * 26 + ":0"),
        sms(at="2027-01-13T03:00:00"),
        {},
        [],
        7,
        whatsapp(status("delivered", timestamp="soon")),
        whatsapp(status("delivered", timestamp="9" * 12)),
        whatsapp(status("delivered", biz_opaque_callback_data="other")),
        {"object": "page", "entry": []},
    ],
)
def test_another_form_is_refused_without_quoting_it(webhooks: Webhooks, told: Any) -> None:
    with pytest.raises(Invalid) as refused:
        read(webhooks, told)
    assert "6281000000021" not in str(refused.value.facts)
