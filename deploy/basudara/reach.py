"""Where an installation's broker and store answer, and who asks: the operator, or one of the services."""

from dataclasses import dataclass, replace
from typing import Any

from pymongo import MongoClient

from chassis.login import Login, for_broker, for_store
from deploy.local.kafka import access

NO_ANSWER_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`login` None: nobody is asked who he is."""

    kafka: str
    mongo: str
    login: Login | None = None

    def as_(self, login: Login) -> "Reach":
        """As somebody else, who trusts whom we trust."""
        return replace(self, login=replace(login, authorities=self.login.authorities if self.login else None))

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
        return MongoClient(self.mongo, tz_aware=True, **{**told, **for_store(self.login, database), **options})
