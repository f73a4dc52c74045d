"""Values of referral, read once in `__main__`. Numbers of the domain: handbook, section 6; laws change."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.calendar import WorkingDays
from chassis.settings import ChassisSettings
from referral.domain.rules import Rules


class Settings(ChassisSettings):
    model_config = SettingsConfigDict(env_prefix="REFERRAL_", frozen=True)

    calendar_dir: Path | None = Field(None, description="own calendar files; without it the shipped ones")
    adult_answer_working_days: int = Field(5, ge=1, le=60, description="for the answer to an adult's referral")
    minor_answer_working_days: int = Field(3, ge=1, le=60, description="for the answer to a minor's referral")
    neared_before_working_days: int = Field(1, ge=1, le=30, description="reminder before the answer is due")
    hold_limit_days: int = Field(30, ge=1, le=365, description="calendar days of a hold, then a person decides")
    waitlist_limit_days: int = Field(90, ge=1, le=365, description="calendar days on a waitlist")
    coming_of_age_days: int = Field(30, ge=0, le=365, description="training goes on while a new consent is asked")
    youngest_age_group: Literal["CHILD_12_13", "CHILD_14_15", "CHILD_16_17", "ADULT"] = Field(
        "CHILD_14_15", description="training from 14"
    )

    def rules(self) -> Rules:
        """Raises Unavailable when the calendar folder holds no year."""
        return Rules(
            sender=self.agency,
            calendar=WorkingDays.load(self.calendar_dir),
            adult_answer_working_days=self.adult_answer_working_days,
            minor_answer_working_days=self.minor_answer_working_days,
            neared_before_working_days=self.neared_before_working_days,
            hold_limit_days=self.hold_limit_days,
            waitlist_limit_days=self.waitlist_limit_days,
            coming_of_age_days=self.coming_of_age_days,
            youngest_age_group=self.youngest_age_group,
        )
