"""Receipts as providers send them: signed, WhatsApp's status webhook or the REST form for SMS."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis import strict_json
from chassis.errors import Invalid, NotAuthenticated, Unavailable
from chassis.shapes import Instant, Whole

Status = Literal["accepted", "delivered", "failed"]
_REFERENCE = re.compile(r"(msg_[a-z2-7]{26}):([1-9][0-9]?)")
_STOPPED = 131050  # the person stopped messages from us


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a provider tells of one attempt; `reason_code` of a failure: FAILED or NO_OPT_IN."""

    message_id: str
    number: int
    status: Status
    reason_code: str
    told_at: datetime


class _Told(BaseModel):
    """Providers add members any day. A recipient's number among them is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class SmsReceipt(_Told):
    reference: str
    status: Literal["accepted", "sent", "delivered", "failed", "undelivered", "bounced", "rejected", "expired"]
    at: Instant

    def receipt(self) -> Receipt:
        known: dict[str, Status] = {"accepted": "accepted", "sent": "accepted", "delivered": "delivered"}
        return _receipt(self.reference, known.get(self.status, "failed"), self.at)


class StatusProblem(_Told):
    code: Whole


class MessageStatus(_Told):
    status: Literal["sent", "delivered", "read", "failed"]
    timestamp: str = Field(pattern=r"^[0-9]{1,11}$", description="seconds since 1970")
    biz_opaque_callback_data: str
    errors: tuple[StatusProblem, ...] = ()

    def receipt(self) -> Receipt:
        known: dict[str, Status] = {"sent": "accepted", "delivered": "delivered", "read": "delivered"}
        stopped = any(problem.code == _STOPPED for problem in self.errors)
        told_at = datetime.fromtimestamp(int(self.timestamp), UTC)
        reason = "NO_OPT_IN" if stopped else "FAILED"
        return _receipt(self.biz_opaque_callback_data, known.get(self.status, "failed"), told_at, reason)


class WebhookValue(_Told):
    statuses: tuple[MessageStatus, ...] = ()  # webhooks of other kinds have none


class WebhookChange(_Told):
    value: WebhookValue


class WebhookEntry(_Told):
    changes: tuple[WebhookChange, ...]


class Webhook(_Told):
    object: Literal["whatsapp_business_account"]
    entry: tuple[WebhookEntry, ...]

    def receipts(self) -> list[Receipt]:
        return [one.receipt() for entry in self.entry for change in entry.changes for one in change.value.statuses]


def _receipt(reference: str, status: Status, told_at: datetime, reason_code: str = "FAILED") -> Receipt:
    known = _REFERENCE.fullmatch(reference)
    if known is None:
        raise Invalid(field="reference", rule="not a reference of ours")
    return Receipt(message_id=known[1], number=int(known[2]), status=status, reason_code=reason_code, told_at=told_at)


class Webhooks:
    """Checks and reads what the gateway posts. `secret_file` holds the shared secret as text; read at use."""

    def __init__(self, secret_file: Path) -> None:
        self._secret_file = secret_file

    def read(self, body: bytes, signature: str) -> list[Receipt]:
        """Raises NotAuthenticated (401) for a wrong signature, Invalid (422) for another form, Unavailable."""
        self._check(body, signature)
        document = strict_json.loads(body)
        try:
            if isinstance(document, dict) and "object" in document:
                return Webhook.model_validate(document).receipts()
            return [SmsReceipt.model_validate(document).receipt()]
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            raise Invalid(field=".".join(map(str, first["loc"]))[:100] or "body", rule=first["type"]) from None

    def _check(self, body: bytes, signature: str) -> None:
        """HMAC-SHA256 of the body, in hex, with or without the prefix `sha256=`."""
        try:
            secret = self._secret_file.read_text().strip().encode()
        except OSError as error:
            raise Unavailable(receipts="the shared secret is unreadable") from error
        expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
        given = signature.removeprefix("sha256=").lower()
        if not secret or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise NotAuthenticated(rule="the signature does not fit the body")
