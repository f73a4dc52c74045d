"""The providers, one way out: WhatsApp Business Cloud API (template messages) and a common REST form for SMS."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from chassis.errors import Unavailable
from notification.adapters.outgoing import Answer, Outgoing, Unreached
from notification.domain.catalogue import ABOUT, NUMBER, Template
from notification.domain.message import WHATSAPP, Message

# Error codes of the WhatsApp Business Cloud API.
_NO_OPT_IN = frozenset({131050})  # the person stopped messages from us
_BUSY = frozenset({4, 80007, 130429, 131048, 131056, 131057, 133016, 2, 131000, 131016})  # limits, maintenance


class ProviderDown(Unavailable):
    """The provider can't be asked, or not by us, or not now: messages wait. Facts: channel, what it said."""

    code, title = "provider_down", "Penyedia pesan tidak terjangkau"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`refused` None: taken. Else why not: FAILED, NO_OPT_IN."""

    refused: str | None = None


class _Error(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    code: int


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    error: _Error


class Gateway:
    """Knows nobody: a number lives as long as one call."""

    def __init__(self, *, url: str, token: SecretStr, number_id: str, call_back: str, timeout: float) -> None:
        self._url, self._out = url.rstrip("/"), Outgoing(timeout)
        self._token, self._number_id, self._call_back = token, number_id, call_back
        self.receipts_to: str | None = None

    async def send(self, message: Message, phone: str, template: Template) -> Reply:
        """Call the provider of the current attempt. Raises ProviderDown; TooLong, a defect of the catalogue.

        The attempt's reference goes with it: a gateway that has seen it answers again without sending again.
        """
        whatsapp = message.current.channel == WHATSAPP
        values = {NUMBER: self._call_back, ABOUT: message.about}
        path, body = (self._whatsapp if whatsapp else self._sms)(message.reference, phone, template, values)
        try:
            reply = await self._out.post(self._url + path, json=body, headers=self._headers())
        except Unreached as error:
            raise ProviderDown(channel=message.current.channel, gateway="not reached") from error
        if 200 <= reply.status < 300:
            return Reply()
        code = _code(reply) if whatsapp else None
        if reply.status not in (400, 409, 422) or code in _BUSY:
            raise ProviderDown(channel=message.current.channel, gateway=reply.status)
        return Reply(refused="NO_OPT_IN" if code in _NO_OPT_IN else "FAILED")

    def _headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        if self.receipts_to is not None:
            headers["X-Receipts-To"] = self.receipts_to
        return headers

    def _whatsapp(
        self, reference: str, phone: str, template: Template, values: dict[str, str]
    ) -> tuple[str, dict[str, Any]]:
        parameters = [{"type": "text", "text": values[place]} for place in template.places]
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": phone,
            "type": "template",
            "template": {
                "name": template.whatsapp,
                "language": {"code": "id"},
                "components": [{"type": "body", "parameters": parameters}] if parameters else [],
            },
            "biz_opaque_callback_data": reference,
        }
        return f"/v21.0/{self._number_id}/messages", body

    def _sms(
        self, reference: str, phone: str, template: Template, values: dict[str, str]
    ) -> tuple[str, dict[str, Any]]:
        return "/sms/v1/messages", {"to": phone, "text": template.render(values), "reference": reference}

    async def close(self) -> None:
        await self._out.close()


def _code(reply: Answer) -> int | None:
    try:
        return _Refusal.model_validate_json(reply.content).error.code
    except ValidationError:
        return None  # another form of refusal: the status alone decides
