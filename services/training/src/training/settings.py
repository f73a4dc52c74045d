"""Training's values, read once in __main__ and handed on."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ChassisSettings

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Settings(ChassisSettings):
    """Numbers are those of the domain handbook, sections 4 to 6; a name ends in its unit."""

    model_config = SettingsConfigDict(env_prefix="TRAINING_", frozen=True)
    agency_key_file: Path = Field(
        description="ring of keys, or 32 random bytes in base64: wraps the key of each person"
    )
    calendar_dir: Path | None = Field(
        None, description="working days, one YAML file a year; else those that are shipped"
    )
    card_timeout_seconds: float = Field(5, gt=0, le=30, description="call to the sender's intake")
    offline_days_max: int = Field(14, ge=1, description="a command made longer ago is refused")
    pass_percent: int = Field(80, ge=1, le=100)
    attempts_per_unit: int = Field(3, ge=1)
    absences_in_a_row: int = Field(3, ge=1, description="then a person may be dropped, by a person")
    programme_hours_min: int = Field(40, ge=1, description="training hours, JP")
    programme_hours_max: int = Field(480, ge=1, description="training hours, JP")
    training_hour_minutes: int = Field(45, ge=1)
    min_age: int = Field(14, ge=0)
    adult_age: int = Field(18, ge=0)
    capacity_max: int = Field(32, ge=1, le=500)
    enrolled_to_start: int = Field(8, ge=1)
    not_a_place: frozenset[str] = Field(
        frozenset({"lapas", "rutan", "lpka", "lpp", "bapas"}),
        description="words of a place code that would name a prison",
    )
    minor_hours_a_day: int = Field(3, ge=1)
    minor_from: str = Field("13:00", pattern=_CLOCK, description="WIT, after school")
    minor_until: str = Field("18:00", pattern=_CLOCK, description="WIT, daytime")
    confirm_working_days: int = Field(10, ge=1, description="then a reserved seat is released")
    waitlist_days: int = Field(90, ge=1, description="then an officer decides")
    followups: tuple[tuple[int, int], ...] = Field(
        ((30, 7), (90, 14), (180, 21)), min_length=1, description="day after completion, and days around it"
    )
    followup_attempts: int = Field(3, ge=1)
    card_days_after_followup: int = Field(90, ge=0)
    bnsp_years_max: int = Field(5, ge=1)
