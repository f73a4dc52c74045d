"""An engine with rights, the example's agencies and agreements on it, and two agencies whose codes begin alike."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from chassis.catalogue import Catalogue
from deploy.basudara import agreements, manifests
from deploy.basudara.agreements import Site
from deploy.basudara.applying import Passwords
from deploy.basudara.reach import Reach
from deploy.basudara.stack import AGENCIES, ROOT
from deploy.local.engine import engine

FOREIGN_TOPIC, FOREIGN_GROUP = "somebody-else.of.another.house", "somebody-else.group"
ALIKE = ("kop", "koperasi")


@contextmanager
def place(home: Path) -> Iterator[Site]:
    """What an operator has after `up` and three times `agreement apply`; no service runs."""
    shutil.rmtree(home, ignore_errors=True)
    folder = home / "agencies"
    shutil.copytree(AGENCIES, folder)
    for code in ALIKE:
        (folder / f"{code}.yaml").write_text(f"agency: {code}\nname: {code}\nservices: [training]\n")
    (home / "secrets").mkdir()
    with engine(home / "engine", fresh=True, rights=True) as running:
        reach = Reach(kafka=running.kafka, mongo=running.mongo, login=running.operator)
        admin = AdminClient(reach.broker)  # kept until its answer is there
        admin.create_topics([NewTopic(FOREIGN_TOPIC, 1)])[FOREIGN_TOPIC].result(20)
        site = site_of(reach, home)
        own = site.rights(site.agencies, [])
        own.do(own.missing())
        for name in ("kb-001", "pks-001", "pks-002"):
            agreements.apply(agreement(name), site)
        yield site


def site_of(reach: Reach, home: Path) -> Site:
    catalogue = Catalogue(ROOT / "contracts")
    known = manifests.agencies(home / "agencies")
    return Site(reach=reach, passwords=Passwords(home / "secrets"), catalogue=catalogue, agencies=known)


def agreement(name: str) -> manifests.Agreement:
    return manifests.agreement(ROOT / "deploy" / "agreements" / f"{name}-contoh.yaml")


def as_user(site: Site, name: str, engine_: str = "kafka") -> Reach:
    return site.reach.as_(site.passwords.login(name, engine_))
