"""The values of one agency's intake, read once in `__main__` and handed on."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ChassisSettings


class Settings(ChassisSettings):
    model_config = SettingsConfigDict(env_prefix="INTAKE_", frozen=True)
    agency_key_file: Path = Field(
        description="ring of keys, or 32 random bytes in base64: wraps the key of every person"
    )
    staff_file: Path | None = Field(None, description='JSON {staff_id: {"phone", "role", "whatsapp_optin"?}}')
    rules_file: Path | None = Field(None, description="versioned rules in place of the shipped ones")
    area_files: tuple[Path, ...] = Field((), description="tables of kecamatan beside the shipped ones")
    import_rows: int = Field(1000, ge=1, le=20_000, description="rows of one CSV file at most")
