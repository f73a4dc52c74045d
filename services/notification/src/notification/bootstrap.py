"""Builds and wires the parts of notification: the only place that does."""

from datetime import time, timedelta

from chassis import logs
from chassis.calendar import WorkingDays
from chassis.kept import Kept
from chassis.running import Parts
from notification.adapters.contacts import Contacts
from notification.adapters.files import Staff, catalogue
from notification.adapters.gateway import Gateway
from notification.adapters.webhooks import Webhooks
from notification.domain.message import GUARDIAN, KLIEN, Message
from notification.domain.people import ConsentStop, Mailbox, Newest, Pair, Person
from notification.domain.policy import Policy
from notification.domain.timing import Quiet
from notification.domain.turn import Turn
from notification.entrypoints import http
from notification.entrypoints.consumers import listening
from notification.entrypoints.jobs import duties
from notification.entrypoints.noting import Noting
from notification.entrypoints.sender import Sender
from notification.settings import Settings

KEPT = (
    Kept(Message, "messages", indexes=("state", "stage", "case_ref", "person", "about")),
    Kept(Person, "persons"),
    Kept(Pair, "pairs", indexes=("person",)),
    Kept(ConsentStop, "consent_stops", indexes=("case_ref",)),
    Kept(Newest, "newest"),
    Kept(Mailbox, "mailboxes"),
    Kept(Turn, "turns"),
)
FRIDAY, SUNDAY = 5, 7


def build(settings: Settings) -> Parts:
    policy, staff = _policy(settings), Staff(settings.staff_file)
    noting = Noting()
    gateway = Gateway(
        url=settings.gateway_url,
        token=settings.gateway_token,
        number_id=settings.whatsapp_number_id,
        call_back=settings.call_back_number,
        timeout=settings.send_timeout_seconds,
    )
    gateway.receipts_to = settings.receipts_url
    contacts = Contacts(settings.agency, settings.partners, settings.credential, staff, settings.send_timeout_seconds)
    sender = Sender(policy, contacts, gateway, settings.messages_per_minute, noting)
    logs.known_fields("message_id", "template")
    return Parts(
        title=http.TITLE,
        description=http.DESCRIPTION,
        routers=http.ROUTERS,
        listener=listening(policy, staff),
        duties=duties(policy),
        kept=KEPT,
        tools=http.Tools(policy=policy, webhooks=Webhooks(settings.gateway_secret_file), noting=noting),
        background=(noting.run, sender.run),
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        agency=settings.agency,
        catalogue=catalogue(settings.catalogue_file),
        working_days=WorkingDays.load(settings.calendar_dir),
        quiet=(
            _quiet(settings.quiet_from, settings.quiet_until),
            _quiet(settings.friday_quiet_from, settings.friday_quiet_until, FRIDAY),
            _quiet(settings.sunday_quiet_from, settings.sunday_quiet_until, SUNDAY),
        ),
        per_day=settings.messages_per_day,
        per_day_roles=frozenset({KLIEN, GUARDIAN}),
        repeat_within=timedelta(hours=settings.repeat_within_hours),
        sms_after=timedelta(minutes=settings.sms_after_minutes),
        unknown_after=timedelta(minutes=settings.unknown_after_minutes),
        answer_within=timedelta(seconds=settings.send_timeout_seconds + 10),
        bounce_rests=timedelta(days=settings.bounce_rests_days),
        kept=timedelta(days=settings.kept_days),
        news_kept=timedelta(days=settings.news_kept_days),
    )


def _quiet(begins: str, ends: str, *weekdays: int) -> Quiet:
    """Every day, unless ISO weekdays are given."""
    days = frozenset(weekdays) or frozenset(range(1, 8))
    return Quiet(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), weekdays=days)
