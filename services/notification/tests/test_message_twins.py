"""Promise 36: of fifty at once one counts, and whoever asks again is told the same."""

import asyncio
import hashlib
import hmac
import json

from notification_office import Office


async def test_of_fifty_officers_who_resolve_a_task_at_once_one_does(office: Office) -> None:
    await office.gateway_does("fail")
    await office.knows_a_klien()
    await office.has_seat()
    message = await office.one("escalated", "SCHEDULE_NEWS")
    http, officer = office.svc.http, office.svc.as_("probation_officer")
    view = (await http.get(f"/messages/{message.id}", headers=officer)).json()
    body = {"expected_version": view["version"], "reached": True}
    resolve = f"/messages/{message.id}/moves/resolve"
    replies = await asyncio.gather(*(http.post(resolve, json=body, headers=officer) for _ in range(50)))
    assert sorted(one.status_code for one in replies) == [200] + [409] * 49
    again = await http.post(resolve, json=body, headers=officer)
    told = {(one.status_code, one.json()["type"]) for one in (*replies, again) if one.status_code != 200}
    assert told == {(409, "urn:basudara:problem:stale_version")}
    assert len(await office.told("message.resolved")) == 1


async def test_fifty_receipts_of_one_attempt_at_once_are_one(office: Office) -> None:
    office.intake.standing["whatsapp_optin"] = False
    await office.gateway_does("silent")
    await office.knows_a_klien()
    await office.has_seat()
    await office.has_recorded(("SMS", "+6281000000021"))
    (message,) = await office.messages()
    receipt = {"reference": f"{message.id}:1", "status": "delivered", "at": "2027-01-13T03:00:00Z"}
    body = json.dumps(receipt).encode()
    signed = {"X-Gateway-Signature": hmac.new(b"rahasia-bersama", body, hashlib.sha256).hexdigest()}
    http = office.svc.http
    replies = await asyncio.gather(*(http.post("/receipts", content=body, headers=signed) for _ in range(50)))
    assert [(one.status_code, one.json()) for one in replies] == [(200, {"receipts": 1})] * 50
    version = (await office.messages())[0].version
    assert (await http.post("/receipts", content=body, headers=signed)).json() == {"receipts": 1}
    assert (await office.messages())[0].version == version
    assert [name for name, _ in await office.told()] == ["message.sent", "message.delivered"]
