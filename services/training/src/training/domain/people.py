"""What training knows of a person's age: a group from the referral, exact only on the card."""

from datetime import date

ADULT = "ADULT"
OLDEST_IN_GROUP = {"CHILD_14_15": 15, "CHILD_16_17": 17}
AGE_GROUPS = frozenset({*OLDEST_IN_GROUP, ADULT})


def is_minor(age_group: str) -> bool:
    return age_group != ADULT


def may_be_old_enough(age_group: str, min_age: int) -> bool:
    """Whether somebody of this group can have reached `min_age`; the card shows later whether this person has."""
    return age_group == ADULT or OLDEST_IN_GROUP.get(age_group, 0) >= min_age


def age_on(birth_date: date, day: date) -> int:
    """Full years on a WIT day. Born on 29 February: a year older on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
