"""The one call to another agency: the participant card, asked of the sender's intake."""

import json
import re
from datetime import date
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.errors import Conflict, Gone, NotAllowed, NotFound, Unavailable

_CODE = re.compile(r"urn:basudara:problem:([a-z_]{1,40})")


class Guardian(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    full_name: str
    relation: str | None = None
    phone: str | None = None
    kind: str | None = None


class ParticipantCard(BaseModel):
    """What training keeps of intake's answer. Unknown stays unknown: null."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    full_name: str
    birth_date: date
    sex: str | None = None
    phone: str | None = None
    guardian: Guardian | None = None
    kecamatan: str | None = None
    education: str | None = None
    has_diploma: bool | None = None
    accommodations: tuple[str, ...] = ()


class CardDoor:
    """`partners`: JSON file {"agency/intake": base URL}; `credential`: this service's own bearer token. Read at use."""

    def __init__(self, partners: Path | None, credential: Path | None, timeout_seconds: float) -> None:
        self._partners, self._credential = partners, credential
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)  # kept: to make one takes 40 ms

    async def fetch(self, agency: str, case_ref: str, referral_id: str) -> ParticipantCard:
        """Raises what intake answers: Gone (410) after withdrawal, NotAllowed, NotFound, Conflict; or Unavailable."""
        url, token = self._where(agency)
        try:
            reply = await self._client.get(
                f"{url}/participant-cards/{case_ref}",
                params={"referral_id": referral_id},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            raise Unavailable(partner=agency) from error
        return _read(reply, agency)

    def _where(self, agency: str) -> tuple[str, str]:
        if self._partners is None or self._credential is None:
            raise Unavailable(partner=agency, rule="no address or credential is configured")
        try:
            url = json.loads(self._partners.read_text()).get(f"{agency}/intake")
            token = self._credential.read_text().strip()
        except (OSError, ValueError) as error:
            raise Unavailable(partner=agency, rule="address or credential unreadable") from error
        if not isinstance(url, str):
            raise Unavailable(partner=agency, rule="no address is known")
        return url, token


def _read(reply: httpx.Response, agency: str) -> ParticipantCard:
    refusals = {403: NotAllowed, 404: NotFound, 409: Conflict, 410: Gone}
    if reply.status_code in refusals:
        raise refusals[reply.status_code](partner=agency, reason=_reason(reply))
    if reply.status_code != httpx.codes.OK:
        raise Unavailable(partner=agency, status=reply.status_code)
    try:
        return ParticipantCard.model_validate_json(reply.content)
    except ValidationError:  # not chained: a pydantic error quotes what it read
        raise Unavailable(partner=agency, rule="the card is not readable") from None


def _reason(reply: httpx.Response) -> str:
    """The code of the partner's problem; never its other texts."""
    try:
        found = _CODE.fullmatch(str(reply.json().get("type")))
    except (ValueError, AttributeError):
        return "unknown"
    return found.group(1) if found else "unknown"
