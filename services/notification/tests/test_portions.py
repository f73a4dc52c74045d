"""Messages go, and are reported on, in portions: what is wrong with one of them costs only itself."""

import hashlib
import hmac
import json
from typing import Any

from notification_examples import NOON, POLICY, asked
from notification_office import Office

from chassis import ids
from chassis.work import Cause, Work
from notification.application.keeping import keep
from notification.domain.message import Message, Step

OTHERS = 20


async def are_asked(office: Office, *messages: Message) -> None:
    """They wait, ready to go, in the order given."""
    fresh = ids.event_id()
    cause = Cause(id=fresh, correlation_id=fresh, traceparent=ids.traceparent(), at=office.svc.now())

    async def ask(_: None, work: Work) -> None:
        for message in messages:
            await keep(Step(message), POLICY, work)

    await office.svc.service.store.transact(ask, None, cause)


def to_an_officer(template: str = "OFFICER_ACCEPTED") -> Message:
    return asked(id=ids.new_id("msg"), template=template, recipient_role="PROBATION_OFFICER", at=NOON, due_at=NOON)


async def delivered(office: Office, wanted: list[Message]) -> None:
    async def all_are() -> bool:
        found = {one.id: one.state for one in await office.messages()}
        return {found.get(one.id) for one in wanted} == {"delivered"}

    await office.until(all_are, office.messages)


async def test_a_message_that_cannot_be_sent_stops_no_other_of_its_portion(office: Office) -> None:
    """Its template is not in the catalogue: an older release asked for it."""
    broken, others = to_an_officer("GONE"), [to_an_officer() for _ in range(OTHERS)]
    await are_asked(office, *others[:7], broken, *others[7:])
    await delivered(office, others)
    assert [one.state for one in await office.messages(template="GONE")] != ["delivered"]
    references = [row["reference"] for row in await office.rows()]
    assert sorted(references) == sorted(f"{one.id}:1" for one in others), "each once"


async def test_a_receipt_of_an_unknown_message_stops_no_other_of_its_webhook(office: Office) -> None:
    await office.gateway_does("silent")
    message = to_an_officer()
    await are_asked(office, message)

    async def sent() -> bool:
        return [one.stage for one in await office.messages(state="sending")] == ["waiting"]

    await office.until(sent, office.messages)
    body = webhook(f"{ids.new_id('msg')}:1", f"{message.id}:1")
    reply = await office.svc.http.post("/receipts", content=body, headers={"X-Gateway-Signature": signed(body)})
    assert reply.status_code == 404, "the gateway tells again"
    await delivered(office, [message])


def webhook(*references: str) -> bytes:
    at = str(int(NOON.timestamp()))
    told: list[dict[str, Any]] = [
        {"status": "delivered", "timestamp": at, "biz_opaque_callback_data": reference} for reference in references
    ]
    changes = [{"value": {"statuses": told}}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": changes}]}).encode()


def signed(body: bytes) -> str:
    return hmac.new(b"rahasia-bersama", body, hashlib.sha256).hexdigest()
