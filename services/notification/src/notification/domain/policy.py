"""The numbers by which messages are sent, and what follows from them for one message."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.calendar import WorkingDays, day_of
from notification.domain.catalogue import Catalogue
from notification.domain.message import SMS, Message
from notification.domain.timing import Quiet, next_allowed_time, next_day


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What intake says of a recipient when a message is due; the number itself never comes this far."""

    whatsapp_optin: bool
    in_custody: bool
    case_closed: bool
    messaging_consent: bool


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Built once from settings and versioned data. Source of the numbers: domain handbook, sections 5 and 6."""

    agency: str
    catalogue: Catalogue
    working_days: WorkingDays
    quiet: tuple[Quiet, ...]
    per_day: int  # messages to one person on one WIT day
    per_day_roles: frozenset[str]
    repeat_within: timedelta
    sms_after: timedelta  # WhatsApp undelivered this long
    unknown_after: timedelta  # SMS without a receipt this long
    answer_within: timedelta  # a call to the provider ends, or its caller is gone
    bounce_rests: timedelta  # no WhatsApp to a recipient where it bounced
    kept: timedelta  # status after the last change; a closed case
    news_kept: timedelta  # how far a subject's events were heard: longer than any topic keeps one

    def allowed(self, at: datetime) -> datetime:
        return next_allowed_time(at, self.quiet)

    def tomorrow(self, at: datetime) -> datetime:
        return next_day(at, self.quiet)

    def escalated_due_on(self, at: datetime) -> date:
        """The next working day. Raises Unavailable when its year is not in the calendar."""
        return self.working_days.after(day_of(at), 1)

    def rest_until(self, message: Message, at: datetime) -> datetime:
        """`at`, or earlier what must not be missed meanwhile."""
        return min(at, self.overdue_at(message) if message.attempts else message.expires_at)

    def overdue_at(self, message: Message) -> datetime:
        """When the current attempt has had its time."""
        patience = self.unknown_after if message.current.channel == SMS else self.sms_after
        return message.current.since + patience
