"""Every credential against every topic, group and database: the cells that are open are those that a person derives
from the example's two agreements, and the broker and the store themselves refuse all others."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from deploy.basudara.agreements import Site
from tests.rights import trying
from tests.rights.place import FOREIGN_GROUP, FOREIGN_TOPIC, as_user

BAPAS, KANWIL = "bapas-ambon", "kanwil-maluku"
DISNAKER, DINKOP, DISPERINDAG = "disnaker-ambon", "dinkop-ambon", "disperindag-ambon"
REGISTER = f"{KANWIL}.agreement.agreement.v1"

# PKS-001 joins Bapas with Disnaker and Dinkop, PKS-002 Bapas with Disperindag; every agency reads the register.
# Written down by hand, name by name: nothing here is computed from manifests, agreements or the catalogue.
TOPICS = f"""
{BAPAS}.intake
    rw {BAPAS}.intake.case.v1
    w {BAPAS}.intake.consent.to.{DISNAKER}.v1
    w {BAPAS}.intake.consent.to.{DINKOP}.v1
    w {BAPAS}.intake.consent.to.{DISPERINDAG}.v1
    r {BAPAS}.referral.referral.to.{DISNAKER}.v1
    r {BAPAS}.referral.referral.to.{DINKOP}.v1
    r {BAPAS}.referral.referral.to.{DISPERINDAG}.v1
    r {DISNAKER}.training.placement.to.{BAPAS}.v1
    r {DINKOP}.training.placement.to.{BAPAS}.v1
    r {DISPERINDAG}.training.placement.to.{BAPAS}.v1
    r {BAPAS}.notification.message.v1
    r {REGISTER}
    rw {BAPAS}.intake.receipts.retry.v1
    w {BAPAS}.intake.receipts.parked.v1
{BAPAS}.referral
    w {BAPAS}.referral.referral.to.{DISNAKER}.v1
    w {BAPAS}.referral.referral.to.{DINKOP}.v1
    w {BAPAS}.referral.referral.to.{DISPERINDAG}.v1
    r {BAPAS}.intake.case.v1
    r {BAPAS}.intake.consent.to.{DISNAKER}.v1
    r {BAPAS}.intake.consent.to.{DINKOP}.v1
    r {BAPAS}.intake.consent.to.{DISPERINDAG}.v1
    r {DISNAKER}.training.placement.to.{BAPAS}.v1
    r {DINKOP}.training.placement.to.{BAPAS}.v1
    r {DISPERINDAG}.training.placement.to.{BAPAS}.v1
    r {DISNAKER}.training.enrolment.to.{BAPAS}.v1
    r {DINKOP}.training.enrolment.to.{BAPAS}.v1
    r {DISPERINDAG}.training.enrolment.to.{BAPAS}.v1
    r {REGISTER}
    rw {BAPAS}.referral.referrals.retry.v1
    w {BAPAS}.referral.referrals.parked.v1
{BAPAS}.notification
    w {BAPAS}.notification.message.v1
    r {BAPAS}.intake.case.v1
    r {BAPAS}.intake.consent.to.{DISNAKER}.v1
    r {BAPAS}.intake.consent.to.{DINKOP}.v1
    r {BAPAS}.intake.consent.to.{DISPERINDAG}.v1
    r {BAPAS}.referral.referral.to.{DISNAKER}.v1
    r {BAPAS}.referral.referral.to.{DINKOP}.v1
    r {BAPAS}.referral.referral.to.{DISPERINDAG}.v1
    r {DISNAKER}.training.enrolment.to.{BAPAS}.v1
    r {DINKOP}.training.enrolment.to.{BAPAS}.v1
    r {DISPERINDAG}.training.enrolment.to.{BAPAS}.v1
    rw {BAPAS}.notification.messages.retry.v1
    w {BAPAS}.notification.messages.parked.v1
{DISNAKER}.training
    w {DISNAKER}.training.placement.to.{BAPAS}.v1
    w {DISNAKER}.training.enrolment.to.{BAPAS}.v1
    w {DISNAKER}.training.programme.v1
    r {BAPAS}.referral.referral.to.{DISNAKER}.v1
    r {BAPAS}.intake.consent.to.{DISNAKER}.v1
    r {REGISTER}
    rw {DISNAKER}.training.placements.retry.v1
    w {DISNAKER}.training.placements.parked.v1
{DISNAKER}.notification
    w {DISNAKER}.notification.message.v1
    r {BAPAS}.referral.referral.to.{DISNAKER}.v1
    r {DISNAKER}.training.enrolment.to.{BAPAS}.v1
    rw {DISNAKER}.notification.messages.retry.v1
    w {DISNAKER}.notification.messages.parked.v1
{DISNAKER}.papan-informasi
    r {DISNAKER}.training.programme.v1
    r {DINKOP}.training.programme.v1
    r {REGISTER}
{DINKOP}.training
    w {DINKOP}.training.placement.to.{BAPAS}.v1
    w {DINKOP}.training.enrolment.to.{BAPAS}.v1
    w {DINKOP}.training.programme.v1
    r {BAPAS}.referral.referral.to.{DINKOP}.v1
    r {BAPAS}.intake.consent.to.{DINKOP}.v1
    r {REGISTER}
    rw {DINKOP}.training.placements.retry.v1
    w {DINKOP}.training.placements.parked.v1
{DISPERINDAG}.training
    w {DISPERINDAG}.training.placement.to.{BAPAS}.v1
    w {DISPERINDAG}.training.enrolment.to.{BAPAS}.v1
    w {DISPERINDAG}.training.programme.v1
    r {BAPAS}.referral.referral.to.{DISPERINDAG}.v1
    r {BAPAS}.intake.consent.to.{DISPERINDAG}.v1
    r {REGISTER}
    rw {DISPERINDAG}.training.placements.retry.v1
    w {DISPERINDAG}.training.placements.parked.v1
{KANWIL}.agreement
    w {REGISTER}
kop.training
    w kop.training.programme.v1
    r {REGISTER}
    rw kop.training.placements.retry.v1
    w kop.training.placements.parked.v1
koperasi.training
    w koperasi.training.programme.v1
    r {REGISTER}
    rw koperasi.training.placements.retry.v1
    w koperasi.training.placements.parked.v1
"""

GROUPS = {
    f"{BAPAS}.intake": f"{BAPAS}.intake.receipts",
    f"{BAPAS}.referral": f"{BAPAS}.referral.referrals",
    f"{BAPAS}.notification": f"{BAPAS}.notification.messages",
    f"{DISNAKER}.training": f"{DISNAKER}.training.placements",
    f"{DISNAKER}.notification": f"{DISNAKER}.notification.messages",
    f"{DISNAKER}.papan-informasi": f"{DISNAKER}.papan-informasi.anything",
    f"{DINKOP}.training": f"{DINKOP}.training.placements",
    f"{DISPERINDAG}.training": f"{DISPERINDAG}.training.placements",
    "kop.training": "kop.training.placements",
    "koperasi.training": "koperasi.training.placements",
}
OTHER_GROUPS = (FOREIGN_GROUP, f"{DISNAKER}.papan-informasi", f"{DISNAKER}.papan-informasi2.anything", "kop.training")

DATABASES = {
    f"{BAPAS}.intake": f"{BAPAS}-intake",
    f"{BAPAS}.referral": f"{BAPAS}-referral",
    f"{BAPAS}.notification": f"{BAPAS}-notification",
    f"{DISNAKER}.training": f"{DISNAKER}-training",
    f"{DISNAKER}.notification": f"{DISNAKER}-notification",
    f"{DINKOP}.training": f"{DINKOP}-training",
    f"{DISPERINDAG}.training": f"{DISPERINDAG}-training",
    "kop.training": "kop-training",
    "koperasi.training": "koperasi-training",
}


def _by_hand() -> Iterator[tuple[str, str, str]]:
    user = ""
    for line in TOPICS.strip().splitlines():
        if line.startswith(" "):
            letters, topic = line.split()
            yield user, topic, f"{letters}d"  # who may read or write may see that it is there
        else:
            user = line


OPEN = {(user, topic): letters for user, topic, letters in _by_hand()}
USERS = sorted({user for user, _ in OPEN})
ALL_TOPICS = sorted({topic for _, topic in OPEN} | {FOREIGN_TOPIC})


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    """In each topic a record stands, and in each database a document: what is not read was refused."""
    producer = Producer(site.reach.broker)
    for topic in ALL_TOPICS:
        producer.produce(topic, b"there", b"key", partition=0)
    assert producer.flush(20) == 0
    with site.reach.store() as client:
        for database in DATABASES.values():
            client[database]["cases"].insert_one({"there": True})
    return site


def test_the_table_names_every_topic_and_user_of_the_installation(site: Site) -> None:
    there = {name for name in AdminClient(site.reach.broker).list_topics(timeout=20).topics if name[:2] != "__"}
    assert there == set(ALL_TOPICS)
    users = site.rights(site.agencies, site.agreements()).users
    assert sorted(user.name for user in users) == USERS


@pytest.mark.parametrize("user", USERS)
def test_topics(filled: Site, user: str) -> None:
    found = trying.topics(as_user(filled, user), ALL_TOPICS)
    assert found == {topic: OPEN.get((user, topic), "") for topic in ALL_TOPICS}


@pytest.mark.parametrize("user", USERS)
def test_groups_and_transactions(filled: Site, user: str) -> None:
    reach, names = as_user(filled, user), sorted({*GROUPS.values(), *OTHER_GROUPS})
    readable = [topic for (owner, topic), letters in OPEN.items() if owner == user and "r" in letters]
    found = trying.groups(reach, names, readable[0] if readable else REGISTER)
    assert found == {name: "rd" if name == GROUPS.get(user) else "" for name in names}
    assert not trying.transactional(reach, f"{user}.transaction")
    assert not trying.administers(reach, user, REGISTER)


@pytest.mark.parametrize("user", sorted(DATABASES))
def test_databases(filled: Site, user: str) -> None:
    """A store's user is only known in his own database, and writes and reads there alone; he can't drop it either."""
    names = [*DATABASES.values(), "admin", "local", "somebody-else"]
    found = trying.databases(as_user(filled, user, "mongo"), DATABASES[user], names)
    assert found == {name: "rwd" if name == DATABASES[user] else "" for name in names}
