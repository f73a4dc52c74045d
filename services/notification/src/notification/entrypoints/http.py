"""The door of notification: receipts of the gateway, and what officers see and do about messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, TypeAdapter

from chassis.errors import NotAllowed
from chassis.http import Body, Edge, PathId, edge, open_edge, problems
from chassis.shapes import Version, YesNo
from notification.adapters.webhooks import SmsReceipt, Webhook, Webhooks
from notification.application import messages, receipts
from notification.domain.message import Message
from notification.domain.policy import Policy
from notification.entrypoints.noting import Noting

router = APIRouter()

TITLE = "Notification"
DESCRIPTION = "Messages without content: by WhatsApp, then SMS, then a person; and the receipts of the gateway."
ROUTERS = (router,)

READERS = frozenset({"probation_officer", "head_of_bapas", "programme_officer", "head_of_opd", "service"})
SHOWN = 500  # rows of one answer at most


@dataclass(frozen=True, kw_only=True)
class Tools:
    policy: Policy
    webhooks: Webhooks
    noting: Noting


class MessageView(BaseModel):
    """A message without text and without number. `due_at`: when something is next to be done about it."""

    message_id: str
    case_ref: str
    template: str
    recipient_role: str
    channel: str | None
    state: str
    reason_code: str | None
    version: int
    created_at: datetime
    due_at: datetime

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        return cls(
            message_id=message.id,
            case_ref=message.case_ref,
            template=message.template,
            recipient_role=message.recipient_role,
            channel=message.attempts[-1].channel if message.attempts else None,
            state=message.state,
            reason_code=message.reason_code,
            version=message.version,
            created_at=message.created_at,
            due_at=message.due_at,
        )


class ResolveBody(Body):
    expected_version: Version
    reached: YesNo


class Taken(BaseModel):
    receipts: int


_signature = APIKeyHeader(
    name="X-Gateway-Signature",
    auto_error=False,
    scheme_name="signature",
    description="HMAC-SHA256 of the body under the secret shared with the gateway, hex, with or without `sha256=`",
)
_receipt = TypeAdapter(SmsReceipt | Webhook).json_schema(ref_template="#/components/schemas/{model}")


@router.post(
    "/receipts",
    tags=["receipts"],
    responses=problems(404),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _receipt}}}},
)
async def take_receipts(
    request: Request,
    at: Annotated[Edge, Depends(open_edge)],
    signature: Annotated[str | None, Depends(_signature)],
) -> Taken:
    """What the gateway tells of attempts, in the form of WhatsApp's webhook or in the plain one for SMS.

    404 if it tells of a message that is not here: the gateway tells again, and what was applied already stays.
    """
    tools: Tools = at.tools
    told = [
        receipts.TakeReceipt(
            message_id=one.message_id,
            number=one.number,
            status=one.status,
            reason_code=one.reason_code,
            told_at=one.told_at,
            policy=tools.policy,
        )
        for one in tools.webhooks.read(await request.body(), signature or "")
    ]
    await tools.noting.note(told)
    return Taken(receipts=len(told))


@router.get("/messages", tags=["messages"], responses=problems())
async def list_messages(
    at: Annotated[Edge, Depends(edge)],
    state: Annotated[str | None, Query(pattern="^[a-z]{1,20}$")] = None,
    case_ref: Annotated[str | None, Query(pattern="^prt_[a-z2-7]{26}$")] = None,
) -> list[MessageView]:
    """By state or case; the first 500."""
    _may_read(at)
    equals = {name: value for name, value in (("state", state), ("case_ref", case_ref)) if value is not None}
    return [MessageView.of(one) for one in await at.store.read(Message, limit=SHOWN, **equals)]


@router.get("/messages/{message_id}", tags=["messages"], responses=problems(404))
async def get_message(message_id: PathId, at: Annotated[Edge, Depends(edge)]) -> MessageView:
    """One message."""
    _may_read(at)
    return MessageView.of(await at.store.get(Message, message_id))


@router.post("/messages/{message_id}/moves/resolve", tags=["messages"], responses=problems(404, 409))
async def resolve_message(message_id: PathId, body: ResolveBody, at: Annotated[Edge, Depends(edge)]) -> MessageView:
    """The human task is done: the person was reached, or can't be."""
    tools: Tools = at.tools
    command = messages.Resolve(
        message_id=message_id,
        role=at.actor.role,
        expected_version=body.expected_version,
        reached=body.reached,
        policy=tools.policy,
    )
    return MessageView.of(await at.store.transact(messages.resolve_message, command, at.cause))


def _may_read(at: Edge) -> None:
    if at.actor.role not in READERS:
        raise NotAllowed(role=at.actor.role)
