"""Where an installation's broker and store answer, and who asks: the operator, or one of the services."""

from dataclasses import dataclass, replace
from typing import Any

from pymongo import MongoClient

from chassis.login import Login, for_broker
from deploy.local.kafka import access

NO_ANSWER_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`login` None: nobody is asked who he is."""

    kafka: str
    mongo: str
    login: Login | None = None

    def as_(self, login: Login) -> "Reach":
        return replace(self, login=login)

    @property
    def broker(self) -> dict[str, Any]:
        """What a client made with librdkafka is told."""
        return {"log_level": 0, **access(self.kafka, self.login)}

    @property
    def aiokafka(self) -> dict[str, Any]:
        """The same for one of aiokafka's."""
        return {"bootstrap_servers": self.kafka, **for_broker(self.login)}

    def store(self, database: str = "admin", **options: Any) -> "MongoClient[dict[str, Any]]":
        """A client of the store. `database`: where the user is kept; the operator's is `admin`."""
        told: dict[str, Any] = {"appname": "basudara", "serverSelectionTimeoutMS": NO_ANSWER_SECONDS * 1000}
        if self.login is not None:
            told |= {"username": self.login.user, "password": self.login.password, "authSource": database}
        return MongoClient(self.mongo, tz_aware=True, **{**told, **options})
