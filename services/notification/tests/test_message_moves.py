"""The whole machine of a message: every state, every command, every role, against the agreement's own table."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from notification_examples import NOON, POLICY, asked, sending

from chassis.errors import IllegalMove, Invalid, MissingFact, NotAllowed, StaleVersion
from chassis.machine import choose
from notification.domain.message import MOVES, Message, Step

STATES = ("-", "created", "held", "sending", "delivered", "suppressed", "escalated", "resolved", "expired")
ROLES = (
    "system", "provider", "probation_officer", "programme_officer", "assistant_probation_officer", "facility_officer",
    "head_of_bapas", "head_of_opd", "instructor", "assessor", "service", "anonymous",
)  # fmt: skip

# (state, command): (state afterwards, who, event, reasons). Copied by hand from the domain handbook, section 5; the
# last two rows are those of a later bounce, which opens the next channel or a human task (decision 0003).
NO_REASON = frozenset[str]()
SUPPRESS = frozenset({"NO_CONSENT", "CASE_CLOSED", "DUPLICATE", "IN_CUSTODY", "DAILY_LIMIT", "NO_CONTACT"})
TABLE = {
    ("-", "ask"): ("created", {"system"}, None, NO_REASON),
    ("created", "suppress"): ("suppressed", {"system"}, "message.suppressed", SUPPRESS),
    ("held", "suppress"): ("suppressed", {"system"}, "message.suppressed", SUPPRESS),
    ("created", "hold"): ("held", {"system"}, None, NO_REASON),
    ("created", "send"): ("sending", {"system"}, "message.sent", NO_REASON),
    ("held", "send"): ("sending", {"system"}, "message.sent", NO_REASON),
    ("sending", "report-delivery"): ("delivered", {"provider"}, "message.delivered", NO_REASON),
    ("sending", "fall-back"): ("sending", {"system"}, "message.rerouted", {"FAILED", "UNDELIVERED", "NO_OPT_IN"}),
    ("sending", "escalate"): ("escalated", {"system"}, "message.escalated", {"FAILED", "UNKNOWN"}),
    ("escalated", "resolve"): (
        "resolved", {"probation_officer", "programme_officer"}, "message.resolved", NO_REASON,
    ),
    ("created", "expire"): ("expired", {"system"}, "message.expired", NO_REASON),
    ("held", "expire"): ("expired", {"system"}, "message.expired", NO_REASON),
    ("sending", "expire"): ("expired", {"system"}, "message.expired", NO_REASON),
    ("delivered", "reopen"): ("sending", {"system"}, "message.rerouted", {"BOUNCED"}),
    ("delivered", "escalate-bounced"): ("escalated", {"system"}, "message.escalated", {"FAILED"}),
}  # fmt: skip
COMMANDS = sorted({command for _, command in TABLE})
WHO = {command: TABLE[state, command][1] for state, command in TABLE}


def test_the_machine_knows_no_other_command() -> None:
    assert sorted(MOVES) == COMMANDS


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_move_is_legal_only_where_the_agreement_says(state: str, command: str, role: str) -> None:
    row = TABLE.get((state, command))
    reason = next(iter(sorted(row[3])), None) if row else "FAILED"
    if role not in WHO[command]:
        expected = pytest.raises(NotAllowed)
    elif row is None:
        expected = pytest.raises(IllegalMove)
    else:
        expected = nullcontext()
    with expected:
        move = choose(MOVES, command, state, role, reason)
        assert row is not None
        assert (move.ends, move.told) == (row[0], row[2])


@pytest.mark.parametrize(("state", "command"), [key for key, row in TABLE.items() if row[3]])
def test_a_reason_is_one_of_the_published_codes(state: str, command: str) -> None:
    _, who, _, reasons = TABLE[state, command]
    (role,) = who
    for reason in reasons:
        choose(MOVES, command, state, role, reason)
    with pytest.raises(MissingFact):
        choose(MOVES, command, state, role)
    with pytest.raises(Invalid):
        choose(MOVES, command, state, role, "NOT_A_CODE")


TOMORROW = NOON + timedelta(days=1)
DUE_ON = TOMORROW.date()


def failed(message: Message) -> Message:
    marked = message.told_failed(message.current.number, NOON)
    assert marked is not None
    return marked


def delivered(message: Message) -> Message:
    step = message.told_delivered(message.current.number, NOON)
    assert step is not None
    return step.message


IN: dict[str, Callable[[], Message]] = {
    "created": asked,
    "held": lambda: asked().hold(TOMORROW).message,
    "sending": sending,
    "delivered": lambda: delivered(sending()),
    "suppressed": lambda: asked().suppress("NO_CONSENT").message,
    "escalated": lambda: failed(sending("SMS")).escalate("FAILED", DUE_ON).message,
    "expired": lambda: asked().expire().message,
    "resolved": lambda: IN["escalated"]().resolve("probation_officer", IN["escalated"]().version, True).message,
}
DO: dict[str, Callable[[Message], Step]] = {
    "suppress": lambda message: message.suppress("NO_CONSENT"),
    "send": lambda message: message.send("SMS", NOON, TOMORROW),
    "expire": lambda message: message.expire(),
    "fall-back": lambda message: message.fall_back("FAILED", NOON),
    "escalate": lambda message: message.escalate("UNKNOWN", DUE_ON),
    "resolve": lambda message: message.resolve("programme_officer", message.version, False),
    "reopen": lambda message: message.reopen(NOON),
    "escalate-bounced": lambda message: message.escalate_bounced(DUE_ON),
}


@pytest.mark.parametrize("command", DO)
@pytest.mark.parametrize("state", IN)
def test_a_message_does_what_the_table_says_and_tells_it(state: str, command: str) -> None:
    message, row = IN[state](), TABLE.get((state, command))
    assert message.state == state
    with nullcontext() if row else pytest.raises(IllegalMove):
        after, told = DO[command](message)
        assert row is not None
        assert (after.state, told.name if told else None) == (row[0], row[2])
        assert after.version == message.version + 1


def test_a_held_message_is_held_on_without_a_new_move() -> None:
    held = asked().hold(NOON + timedelta(hours=9)).message
    longer, told = held.hold(NOON + timedelta(hours=18))
    assert (longer.state, longer.due_at, told) == ("held", NOON + timedelta(hours=18), None)


def test_an_officer_who_saw_an_older_version_resolves_nothing() -> None:
    escalated = IN["escalated"]()
    with pytest.raises(StaleVersion):
        escalated.resolve("probation_officer", escalated.version - 1, True)
    with pytest.raises(NotAllowed):
        escalated.resolve("instructor", escalated.version - 1, True)


def test_the_reference_of_a_second_call_of_one_attempt_is_the_first_ones() -> None:
    first = asked().send("WHATSAPP", NOON, TOMORROW).message
    again = first.unanswered(TOMORROW).message.call(TOMORROW).message
    assert again.reference == first.reference == f"{first.id}:1"
    assert again.fall_back("FAILED", NOON).message.reference == f"{first.id}:2"


class TestReceipts:
    def test_the_same_receipt_twice_changes_nothing(self) -> None:
        message = delivered(sending())
        assert message.told_delivered(1, NOON) is None
        gone = failed(sending("SMS"))
        assert gone.told_failed(1, NOON) is None

    def test_a_receipt_before_the_providers_answer_counts(self) -> None:
        calling = asked().send("WHATSAPP", NOON, TOMORROW).message
        message = delivered(calling)
        assert message.state == "delivered"
        assert message.answered(1, True, TOMORROW, TOMORROW) is None

    def test_delivery_told_after_its_own_bounce_does_not_undo_it(self) -> None:
        bounced = sending().told_failed(1, NOON + timedelta(seconds=5))
        assert bounced is not None
        assert bounced.told_delivered(1, NOON) is None

    def test_a_late_delivery_of_the_first_channel_ends_the_wait_for_the_second(self) -> None:
        rerouted = sending().fall_back("UNDELIVERED", NOON).message
        step = rerouted.told_delivered(1, NOON)
        assert step is not None
        assert step.told is not None
        assert (step.message.state, step.told.facts) == ("delivered", {"channel": "WHATSAPP"})

    def test_a_late_delivery_after_the_human_task_is_noted_and_the_task_stays(self) -> None:
        step = failed(sending("SMS")).escalate("FAILED", DUE_ON).message.told_delivered(1, NOON + timedelta(hours=1))
        assert step is not None
        assert (step.message.state, step.message.attempts[0].status, step.told) == ("escalated", "delivered", None)

    def test_a_bounce_after_delivery_by_whatsapp_may_still_go_by_sms(self) -> None:
        bounced = failed(delivered(sending()))
        assert bounced.bounced
        assert bounced.may_fall_back
        assert not failed(delivered(sending("SMS"))).may_fall_back

    def test_an_answer_for_an_attempt_that_was_overtaken_changes_nothing(self) -> None:
        rerouted = asked().send("WHATSAPP", NOON, TOMORROW).message.fall_back("UNDELIVERED", NOON).message
        assert rerouted.answered(1, True, TOMORROW, TOMORROW) is None


def test_an_attempt_without_an_answer_rests_but_not_beyond_its_time() -> None:
    calling = asked().send("WHATSAPP", NOON, NOON + POLICY.answer_within).message
    step = calling.answered(1, False, POLICY.overdue_at(calling), NOON + timedelta(hours=1))
    assert step is not None
    assert (step.message.stage, step.message.due_at) == ("waiting", NOON + POLICY.sms_after)
