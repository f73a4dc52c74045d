"""Whom a message goes to: asked when it is due, of the own intake or the own staff list, and never kept."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.errors import Unavailable
from notification.adapters.files import Staff
from notification.domain.message import Message
from notification.domain.policy import Reach


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    phone: str
    whatsapp_optin: bool
    in_custody: bool
    case_closed: bool
    messaging_consent: bool


@dataclass(frozen=True, kw_only=True)
class Contact:
    """`phone` in E.164."""

    phone: str
    reach: Reach


class Contacts:
    def __init__(
        self, agency: str, partners: Path | None, credential: Path | None, staff: Staff, timeout: float
    ) -> None:
        self._agency, self._partners, self._credential = agency, partners, credential
        self._staff, self._timeout = staff, timeout

    async def of(self, message: Message) -> Contact | None:
        """None: there is nobody to reach. Raises Unavailable: intake did not answer."""
        if message.staff_id is not None:
            return self._officer(message.staff_id)
        url, token = self._where()
        try:
            async with httpx.AsyncClient(base_url=url, timeout=self._timeout, trust_env=False) as client:
                reply = await client.get(
                    f"/contacts/{message.case_ref}",
                    params={"role": message.recipient_role},
                    headers={"Authorization": f"Bearer {token}"},
                )
        except httpx.HTTPError as error:
            raise Unavailable(intake="not reached") from error
        if reply.status_code == 404:
            return None
        if reply.status_code != 200:
            raise Unavailable(intake=reply.status_code)
        try:
            answer = _Answer.model_validate_json(reply.content)
        except ValidationError as error:
            raise Unavailable(intake="answered in an unknown form") from error
        return Contact(phone=answer.phone, reach=Reach(**answer.model_dump(exclude={"phone"})))

    def _officer(self, staff_id: str) -> Contact | None:
        phone = self._staff.phone(staff_id)
        if phone is None:
            return None
        reach = Reach(whatsapp_optin=True, in_custody=False, case_closed=False, messaging_consent=True)
        return Contact(phone=phone, reach=reach)

    def _where(self) -> tuple[str, str]:
        if self._partners is None or self._credential is None:
            raise Unavailable(settings="partners and credential are needed to ask intake")
        try:
            url = json.loads(self._partners.read_text())[f"{self._agency}/intake"]
            return str(url), self._credential.read_text().strip()
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(settings="no address of the own intake") from error
