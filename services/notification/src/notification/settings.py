"""The values of notification, read once in __main__ and handed on."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ChassisSettings

SANDBOX = "sandbox"  # what the example's gateway takes for a token
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Settings(ChassisSettings):
    """Numbers are those of the domain handbook, sections 5 and 6; a name ends in its unit."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATION_", frozen=True)
    gateway_url: str = Field(pattern=r"^https?://", description="base URL of the message gateway")
    gateway_secret_file: Path = Field(description="shared secret by which the gateway signs its receipts")
    gateway_token: SecretStr = Field(SecretStr(SANDBOX), description="bearer token for the gateway")
    receipts_url: str | None = Field(
        None, pattern=r"^https?://", description="where the gateway reaches this service's POST /receipts"
    )
    whatsapp_number_id: str = Field("0", pattern=r"^\d{1,20}$", description="sender's id at the WhatsApp provider")
    call_back_number: str = Field("+62911000000", pattern=r"^\+\d{6,15}$", description="{{nomor}}: whom to call")
    staff_file: Path | None = Field(None, description='JSON {staff_id: {"phone", "role"}} of the own officers')
    catalogue_file: Path | None = Field(None, description="message catalogue in place of the shipped one")
    calendar_dir: Path | None = Field(None, description="own calendar files; without it the shipped ones")
    quiet_from: str = Field("21:00", pattern=_CLOCK, description="clock of Asia/Jayapura, every day")
    quiet_until: str = Field("06:00", pattern=_CLOCK)
    friday_quiet_from: str = Field("11:30", pattern=_CLOCK)
    friday_quiet_until: str = Field("13:30", pattern=_CLOCK)
    sunday_quiet_from: str = Field("06:00", pattern=_CLOCK)
    sunday_quiet_until: str = Field("12:00", pattern=_CLOCK)
    messages_per_day: int = Field(2, ge=1, description="to one person on one day of WIT")
    repeat_within_hours: int = Field(24, ge=1, description="the same template to one recipient about one case")
    sms_after_minutes: int = Field(30, ge=1, description="WhatsApp undelivered this long: send SMS")
    unknown_after_minutes: int = Field(120, ge=1, description="SMS without receipt this long: a human task")
    messages_per_minute: int = Field(600, ge=1, description="at most; agreed with the gateway's owner")
    send_timeout_seconds: float = Field(5, gt=0, le=60)
    bounce_rests_days: int = Field(30, ge=1, description="no WhatsApp to a recipient where it bounced")
    kept_days: int = Field(365, ge=1, description="status of a message after its last change; a closed case")
    news_kept_days: int = Field(45, ge=31, description="longer than any topic keeps an event that could come again")

    @model_validator(mode="after")
    def _no_sandbox(self) -> Self:
        if not self.production:
            return self
        if self.gateway_token.get_secret_value() == SANDBOX:
            raise ValueError("gateway_token: the sandbox's is refused in production")
        for name in ("gateway_url", "receipts_url"):
            if str(getattr(self, name)).startswith("http://"):
                raise ValueError(f"{name}: must be https in production")
        return self
