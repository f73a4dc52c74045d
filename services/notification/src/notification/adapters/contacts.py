"""Whom a message goes to: asked when it is due, of the own intake or the own staff list, and never kept."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.errors import Unavailable
from notification.adapters.files import Staff
from notification.adapters.outgoing import Outgoing, Unreached
from notification.domain.message import PROGRAMME_OFFICER, Message
from notification.domain.policy import Reach


class IntakeDown(Unavailable):
    """The own intake can't be asked, or not by us: messages wait."""

    code, title = "intake_down", "Layanan penerimaan tidak terjangkau"


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    phone: str
    whatsapp_optin: bool
    in_custody: bool
    case_closed: bool
    messaging_consent: bool


@dataclass(frozen=True, kw_only=True)
class Contact:
    """`phone` in E.164. Lives as long as one call."""

    phone: str
    reach: Reach


class Contacts:
    def __init__(
        self, agency: str, partners: Path | None, credential: Path | None, staff: Staff, timeout: float
    ) -> None:
        self._agency, self._partners, self._credential, self._staff = agency, partners, credential, staff
        self._out = Outgoing(timeout)

    async def of(self, message: Message) -> Contact | None:
        """None: there is nobody to reach. Raises IntakeDown; Unavailable: the staff list can't be read."""
        if message.recipient_role == PROGRAMME_OFFICER:
            return self._officer(message.staff_id)
        url, token = self._where()
        try:
            reply = await self._out.get(
                f"{url.rstrip('/')}/contacts/{message.case_ref}",
                params={"role": message.recipient_role},
                headers={"Authorization": f"Bearer {token}"},
            )
        except Unreached as error:
            raise IntakeDown(intake="not reached") from error
        if reply.status in (404, 410):
            return None
        if reply.status != 200:
            raise IntakeDown(intake=reply.status)
        try:
            answer = _Answer.model_validate_json(reply.content)
        except ValidationError as error:
            raise IntakeDown(intake="answered in an unknown form") from error
        return Contact(phone=answer.phone, reach=Reach(**answer.model_dump(exclude={"phone"})))

    def _officer(self, staff_id: str | None) -> Contact | None:
        officer = self._staff.officer(staff_id) if staff_id is not None else None
        if officer is None:
            return None
        reach = Reach(
            whatsapp_optin=officer.whatsapp_optin, in_custody=False, case_closed=False, messaging_consent=False
        )
        return Contact(phone=officer.phone, reach=reach)

    def _where(self) -> tuple[str, str]:
        """Read at use: addresses and credentials change without a restart."""
        if self._partners is None or self._credential is None:
            raise IntakeDown(settings="partners and credential are needed to ask intake")
        try:
            url = json.loads(self._partners.read_text())[f"{self._agency}/intake"]
            return str(url), self._credential.read_text().strip()
        except (OSError, ValueError, KeyError) as error:
            raise IntakeDown(settings="no address or credential for the own intake") from error

    async def close(self) -> None:
        await self._out.close()
