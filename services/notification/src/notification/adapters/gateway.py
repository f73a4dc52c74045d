"""The one channel adapter: WhatsApp Business Cloud API and a REST form for SMS, and the receipts of both."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from chassis import strict_json
from chassis.errors import Invalid, NotAuthenticated, Unavailable
from notification.domain.catalogue import NUMBER, Template
from notification.domain.message import WHATSAPP


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the provider tells of one attempt. `status`: accepted, delivered or failed."""

    message_id: str
    number: int
    status: str
    told_at: datetime


class Gateway:
    def __init__(
        self,
        url: str,
        token: str,
        number_id: str,
        secret_file: Path,
        receipts_url: str | None,
        call_back: str,
        timeout: float,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if receipts_url:
            headers["X-Receipts-To"] = receipts_url
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, headers=headers, trust_env=False)
        self._number_id, self._secret_file, self._values = number_id, secret_file, {NUMBER: call_back}

    async def send(self, channel: str, phone: str, template: Template, reference: str) -> bool:
        """True: the provider took it; False: it refused this recipient or text. Raises Unavailable: asked in vain.

        The reference lets the provider know a repeated call again, so a person gets it once.
        """
        path, body = (
            self._whatsapp(phone, template, reference) if channel == WHATSAPP else self._sms(phone, template, reference)
        )
        try:
            reply = await self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(gateway="not reached") from error
        if reply.status_code >= 500 or reply.status_code in (401, 403, 408, 429):
            raise Unavailable(gateway=reply.status_code)
        return reply.status_code < 300

    def _whatsapp(self, phone: str, template: Template, reference: str) -> tuple[str, dict[str, Any]]:
        values = [{"type": "text", "text": self._values[place]} for place in template.places]
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": phone,
            "type": "template",
            "template": {
                "name": template.whatsapp,
                "language": {"code": "id"},
                "components": [{"type": "body", "parameters": values}],
            },
            "biz_opaque_callback_data": reference,
        }
        return f"/v21.0/{self._number_id}/messages", body

    def _sms(self, phone: str, template: Template, reference: str) -> tuple[str, dict[str, Any]]:
        return "/sms/v1/messages", {"to": phone, "text": template.render(self._values), "reference": reference}

    def receipts(self, body: bytes, signature: str) -> list[Receipt]:
        """Those in a webhook. Raises NotAuthenticated (401) for a wrong signature, Invalid (422) for another form."""
        try:
            secret = self._secret_file.read_text().strip().encode()
        except OSError as error:
            raise Unavailable(receipts="the shared secret is unreadable") from error
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise NotAuthenticated(rule="the signature does not fit the body")
        document = strict_json.loads(body)
        try:
            if isinstance(document, dict) and document.get("object") == "whatsapp_business_account":
                return _Webhook.model_validate(document).receipts()
            return [_SmsReceipt.model_validate(document).receipt()]
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            raise Invalid(field=".".join(map(str, first["loc"]))[:100] or "body", rule=first["type"]) from None

    async def close(self) -> None:
        await self._client.aclose()


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _SmsReceipt(_Told):
    reference: str
    status: Literal["accepted", "delivered", "failed"]
    at: AwareDatetime

    def receipt(self) -> Receipt:
        return _receipt(self.reference, self.status, self.at)


class _Status(_Told):
    status: Literal["sent", "delivered", "read", "failed"]
    timestamp: str
    biz_opaque_callback_data: str

    def receipt(self) -> Receipt:
        if not self.timestamp.isdigit() or len(self.timestamp) > 11:
            raise Invalid(field="timestamp", rule="seconds since 1970")
        status = {"sent": "accepted", "read": "delivered"}.get(self.status, self.status)
        return _receipt(self.biz_opaque_callback_data, status, datetime.fromtimestamp(int(self.timestamp), UTC))


class _Value(_Told):
    statuses: tuple[_Status, ...] = ()


class _Change(_Told):
    value: _Value


class _Entry(_Told):
    changes: tuple[_Change, ...]


class _Webhook(_Told):
    entry: tuple[_Entry, ...]

    def receipts(self) -> list[Receipt]:
        return [one.receipt() for entry in self.entry for change in entry.changes for one in change.value.statuses]


def _receipt(reference: str, status: str, told_at: datetime) -> Receipt:
    message_id, _, number = reference.partition(":")
    if not number.isdigit() or len(number) > 3:
        raise Invalid(field="reference", rule="not a reference of ours")
    return Receipt(message_id=message_id, number=int(number), status=status, told_at=told_at)
