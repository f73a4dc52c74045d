"""The doors: signed receipts, and what officers may see."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from notification_examples import PAIR
from notification_office import Office

UNKNOWN = "msg_" + "z" * 26


async def receipt(office: Office, told: Any, secret: bytes = b"rahasia-bersama") -> Any:
    body = json.dumps(told).encode()
    headers = {"X-Gateway-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest()}
    return await office.svc.http.post("/receipts", content=body, headers=headers)


def sms(
    message_id: str, number: int = 1, status: str = "delivered", at: str = "2027-01-13T03:00:00Z"
) -> dict[str, str]:
    return {"reference": f"{message_id}:{number}", "status": status, "at": at}


async def test_receipts_are_proved_by_their_signature_and_tolerate_repetition(office: Office) -> None:
    office.intake.standing["whatsapp_optin"] = False
    await office.gateway_does("silent")
    await office.knows_a_klien()
    await office.has_seat()
    await office.has_recorded(("SMS", "+6281000000021"))
    (message,) = await office.messages()
    forged = await receipt(office, sms(message.id), b"another secret")
    assert (forged.status_code, forged.json()["type"]) == (401, "urn:basudara:problem:not_authenticated")
    assert (await receipt(office, sms(UNKNOWN))).status_code == 404, "the gateway will tell again"
    assert (await receipt(office, sms(message.id, 2))).status_code == 404
    assert (await receipt(office, {"reference": message.id})).status_code == 422
    for _ in range(3):
        assert (await receipt(office, sms(message.id))).status_code == 200
    assert (await receipt(office, sms(message.id, status="sent"))).status_code == 200
    late = await receipt(office, sms(message.id, status="failed", at="2027-01-13T02:59:59Z"))
    assert late.status_code == 200
    await office.one("delivered")
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered"]


@pytest.mark.parametrize("role", ["facility_officer", "instructor", "assessor", "training_host", "nobody"])
async def test_messages_are_seen_by_officers_of_the_own_agency_only(office: Office, role: str) -> None:
    svc = office.svc
    assert (await svc.http.get("/messages")).status_code == 401
    assert (await svc.http.get("/messages", headers=svc.as_(role))).status_code == 403
    partner = svc.as_("probation_officer", agency=svc.partner)
    assert (await svc.http.get("/messages", headers=partner)).status_code == 403
    for reader in ("probation_officer", "programme_officer", "head_of_bapas", "service"):
        assert (await svc.http.get("/messages", headers=svc.as_(reader))).json() == []
    assert (await svc.http.get(f"/messages/{UNKNOWN}", headers=svc.as_("probation_officer"))).status_code == 404


async def test_a_view_names_no_number_and_no_text(office: Office) -> None:
    await office.knows_a_klien()
    await office.has_seat()
    message = await office.one("delivered", "SCHEDULE_NEWS")
    svc = office.svc
    rows = (await svc.http.get(f"/messages?case_ref={PAIR}&state=delivered", headers=svc.as_("service"))).json()
    assert rows == [
        {
            "message_id": message.id,
            "case_ref": PAIR,
            "template": "SCHEDULE_NEWS",
            "recipient_role": "KLIEN",
            "channel": "WHATSAPP",
            "state": "delivered",
            "reason_code": None,
            "version": message.version,
            "created_at": rows[0]["created_at"],
            "due_at": rows[0]["due_at"],
        }
    ]
