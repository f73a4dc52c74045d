"""`basudara agency doctor`: an agency's installation proved by using it, as each of its users; what fails, and its
mend. It also answers a partner with foreign software why nobody hears his events: they are held against the contracts.
Writes nothing to any topic; in a service's database one document, which it takes away again.
"""

import json
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from chassis.audit import SEALED
from chassis.database import record_of
from deploy.basudara import agreements, parked, records
from deploy.basudara.contracts.catalogues import Contracts
from deploy.basudara.contracts.conform import Report
from deploy.basudara.contracts.judging import Judge
from deploy.basudara.doctor_gaps import gaps
from deploy.basudara.manifests import Agency
from deploy.basudara.reach import NO_ANSWER_SECONDS, Reach
from deploy.basudara.rights import User
from deploy.basudara.stack import ROOT, Stack

APART = timedelta(seconds=2)  # that two clocks of one installation may be
UNSENT_SECONDS = 30
CERTIFICATE_LEFT = timedelta(days=30)
RENEW = "basudara down && basudara up"  # a start makes a certificate anew that lasts for less than 60 days
FREE_BYTES = 2 * 1024**3
TRIED = "doctor"  # the document that is written and taken away: no collection of a service's has this name
NOT_ALLOWED = 13  # the store's code
NONE, NOTHING = {"_id": TRIED}, {"$set": {"tried": True}}  # a block that no record has, and a change


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and the command or act that mends it."""

    where: str
    found: str
    mend: str


def examine(stack: Stack, agency: Agency) -> Iterator[Finding]:
    """All findings about one agency; none: all that was tried worked, and all that must be refused was."""
    shut, brokers = set[str](), set(stack.reach.kafka.split(","))
    for address, told, lets_in in certificates(stack.reach):
        yield Finding(address, told, "whoever runs it renews it" if stack.external else RENEW)
        shut |= set() if lets_in else {address}
    if shut >= brokers or shut - brokers:
        return  # without them nothing more can be looked at
    site, code = stack.site, agency.agency
    apply = f"basudara agency apply {code}"
    rights = site.rights([code], filter(agreements.is_open, site.agreements()))
    for step in rights.missing():
        yield Finding(code, f"missing: {step.line}", apply)
    for step in rights.surplus():
        mend = f"basudara agreement end FILE; what the store gives: basudara agency rotate {code}"
        yield Finding(code, f"too much: {step.line.removeprefix('right taken ')}", mend)
    with ThreadPoolExecutor(8) as all_of_them:  # each waits for answers for seconds
        for found in all_of_them.map(lambda user: list(_at_broker(stack, user, apply)), rights.users):
            yield from found
    for user in rights.users:
        if user.database is not None:
            yield from _at_store(stack, user, apply)
    for service in agency.services:
        if stack.external is None:
            yield from _service(stack, f"{code}/{service}")
        yield from _outbox(stack, f"{code}/{service}")
        for told, mend in gaps(site, code, service, f"{code}-{service}"):
            yield Finding(f"{code}/{service}", told, mend)
    yield from _parked(stack, code)
    yield from _said(stack, code)
    yield from _disk(stack.home)


def certificates(reach: Reach) -> Iterator[tuple[str, str, bool]]:
    """Of broker and store, as whoever connects is shown them: address, what is wrong, whether it lets us in."""
    if reach.login is None or reach.login.authorities is None:
        return
    trust = ssl.create_default_context(cafile=reach.login.authorities)
    store = [f"{host}:{port}" for host, port in parse_uri(reach.mongo)["nodelist"]]
    for address in (*reach.kafka.split(","), *store):
        try:
            ends = _ends(address, trust)
        except ssl.SSLCertVerificationError as refused:
            yield address, f"its certificate does not hold: {refused.verify_message}", False
            continue
        except OSError as error:
            yield address, f"does not answer: {error.strerror or type(error).__name__}", False
            continue
        if ends - datetime.now(UTC) < CERTIFICATE_LEFT:
            yield address, f"its certificate ends on {ends:%d %b %Y %H:%M} UTC", True


def _ends(address: str, trust: ssl.SSLContext) -> datetime:
    """Raises OSError: nobody there, or a certificate that is over, signed by somebody else, or for another name."""
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), NO_ANSWER_SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname=host) as shown,
    ):
        told: Any = shown.getpeercert()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)


def _at_broker(stack: Stack, user: User, apply: str) -> Iterator[Finding]:
    """Its password is good, it sees what it must and nothing else, and it may write if it has something to write."""
    try:
        reach = stack.reach_as(user.name)
        seen = set(AdminClient(reach.broker).list_topics(timeout=NO_ANSWER_SECONDS).topics)
    except OSError:
        yield Finding(user.name, "no password file for the broker", apply)
        return
    except KafkaException as error:
        mend = f"basudara agency rotate {user.agency}"
        yield Finding(user.name, f"the broker does not let it in: {error.args[0].str()}", mend)
        return
    wanted = {acl.name for acl in user.acls if acl.kind == "TOPIC"}
    for topic in sorted(wanted - seen):
        yield Finding(user.name, f"does not see {topic}", apply)
    for topic in sorted(seen - wanted):
        yield Finding(user.name, f"sees {topic}, which is not its own", "basudara agreement end FILE")
    if any(acl.operation == "WRITE" for acl in user.acls) and not _may_write(reach):
        yield Finding(user.name, "the broker gives it no number as a writer", apply)


def _may_write(reach: Reach) -> bool:
    """A writer that counts its records is given a number only if it may write somewhere: no record is needed."""
    failed: list[object] = []
    producer = Producer({**reach.broker, "enable.idempotence": True, "error_cb": failed.append})
    until = time.monotonic() + 2
    while time.monotonic() < until and not failed:
        producer.poll(0.1)
    return not failed


def _at_store(stack: Stack, user: User, apply: str) -> Iterator[Finding]:
    database = str(user.database)
    try:
        with stack.reach_as(user.name, "mongo").store(database, serverSelectionTimeoutMS=5000) as client:
            own = client[database][TRIED]
            own.insert_one({"_id": TRIED})
            own.drop()
            if _changes(client[record_of(database)][SEALED]):
                yield Finding(
                    user.name, "may change what its record has sealed", f"basudara agency rotate {user.agency}"
                )
            for name in sorted(set(stack.databases.values()) - {database}):
                if _reads(client[name]):
                    yield Finding(user.name, f"reads {name}, which is not its own", apply)
    except OSError:
        yield Finding(user.name, "no password file for the store", apply)
    except PyMongoError as error:
        told = f"the store does not let it write to {database}: {type(error).__name__}"
        yield Finding(user.name, told, f"basudara agency rotate {user.agency}")


def _changes(sealed: Any) -> bool:
    return any(_allowed(act) for act in (lambda: sealed.delete_many(NONE), lambda: sealed.update_many(NONE, NOTHING)))


def _reads(database: Any) -> bool:
    return _allowed(database[TRIED].find_one)


def _allowed(act: Callable[[], object]) -> bool:
    try:
        act()
    except OperationFailure as error:
        if error.code != NOT_ALLOWED:
            raise
        return False
    return True


def _service(stack: Stack, name: str) -> Iterator[Finding]:
    """It answers, is ready, and has the time that we have."""
    url = stack.urls.get(name)
    if url is None:
        yield Finding(name, "does not run", f"basudara agency apply {name.split('/')[0]}")
        return
    status, body, date = _get(f"{url}/ready")
    if status is None:
        yield Finding(name, "does not answer", f"look at {stack.logs}; basudara agency apply {name.split('/')[0]}")
        return
    for cause, told in json.loads(body).get("causes", {}).items():
        yield Finding(name, f"not ready: {cause}: {told}", "README, When something is stuck")
    if date is not None and abs(date - datetime.now(UTC)) > APART + timedelta(seconds=1):  # the header has no parts
        yield Finding(name, f"its clock says {date:%H:%M:%S}, this one {datetime.now(UTC):%H:%M:%S}", "set its clock")


def _get(url: str) -> tuple[int | None, bytes, datetime | None]:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - an address of our own stack
            return reply.status, reply.read(), parsedate_to_datetime(reply.headers["Date"])
    except urllib.error.HTTPError as error:
        return error.code, error.read(), None
    except OSError:
        return None, b"", None


def _outbox(stack: Stack, name: str) -> Iterator[Finding]:
    """Rows that can't be sent hold back their key; a row that waits for long says that the relay does not send."""
    database = stack.databases.get(name)
    if database is None:
        return
    old = stack.clock.now() - timedelta(seconds=UNSENT_SECONDS)
    with stack.reach.store() as client:
        for row in client[database]["outbox"].find({"sent": False}, {"held": 1, "at": 1}):
            for id, why in row.get("held", {}).items():
                yield Finding(name, f"event {id} can't be sent: {why}", "mend the cause: it is tried again by itself")
            if not row.get("held") and row["at"] < old:
                told = f"event {row['_id']} waits to be sent since {row['at']:%d %b %H:%M:%S} UTC"
                yield Finding(name, told, "its /ready names the cause")


def _parked(stack: Stack, code: str) -> Iterator[Finding]:
    channel = stack.site.catalogue.channels["parked"]
    wanted = records.topics_of([channel], owner=code)
    try:
        found = parked.parked_in(records.until_now(stack.reach.broker, wanted))
    except RuntimeError:
        return  # without a topic nothing is parked; that it is missing was told
    for one in found:
        if one.decision is None:
            yield Finding(f"{code}/{one.service}", f"parked: {one.reason}", f"basudara parked show {one.place}")


def _said(stack: Stack, code: str) -> Iterator[Finding]:
    """What its topics hold, against the contracts: what breaks them is why somebody does not hear it."""
    judge = Judge(Contracts(ROOT / "contracts"), stack.clock.now())
    events = [one for one in stack.site.catalogue.channels.values() if one.types]
    report = Report()
    try:
        for record in records.until_now(stack.reach.broker, records.topics_of(events, owner=code)):
            report.add(record, judge)
    except RuntimeError:
        return  # it owns no topic of events
    for row in report.rows():
        told = f"{row['count']} records break {row['rule']} at {row['pointer'] or '/'}: {'; '.join(row['found'])}"
        mend = f"basudara contracts conform {row['topic']}"
        yield Finding(row["topic"], f"{told} (first {row['examples'][0]})", mend)


def _disk(home: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        yield Finding(str(home), f"{free // 1024**2} MiB are free", "make room: the broker and the store stop without")
