"""Values every service reads from its environment, once, in `__main__`."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from chassis.catalogue import CODE
from chassis.login import Login


class ChassisSettings(BaseSettings):
    """Each service subclasses this with `model_config = SettingsConfigDict(env_prefix="<SERVICE>_", frozen=True)`.

    Raises pydantic's ValidationError; `chassis.running` turns it into one line and exit code 2.
    """

    agency: str = Field(max_length=40, description="code of the agency that runs this service")
    mongo_url: SecretStr
    mongo_user: str | None = Field(None, description="this service's own user of its database; none: no authentication")
    mongo_password_file: Path | None = None
    database: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="this service's own database")
    kafka: str = Field(description="bootstrap addresses, host:port[,host:port]")
    kafka_user: str | None = Field(None, description="this service's own user (SCRAM-SHA-512); none: no authentication")
    kafka_password_file: Path | None = None
    kafka_tls: bool = Field(False, description="SASL_SSL, with the machine's trusted authorities")
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65535, description="0: any free port")
    http_at_once: int = Field(128, ge=1, le=10_000, description="requests worked on at once; 503 for what is more")
    contracts_dir: Path
    issuer_keys: Path = Field(description="JWKS file of the token issuer")
    issuer: str = "basudara-local"
    credential: Path | None = Field(None, description="file with this service's own bearer token")
    partners: Path | None = Field(None, description='JSON file {"agency/service": "base URL"}, read at use')
    clock_file: Path | None = Field(None, description="offset of a movable clock, seconds")
    production: bool = False
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    instance: str = Field("1", pattern=r"^[a-z0-9-]{1,40}$", description="differs between replicas of one service")
    poll_records: int = Field(500, ge=1, le=5000, description="records in one unit of work at most")
    handler_seconds: float = Field(5, gt=0, le=8, description="one record's handler; then it is tried again later")
    retry_seconds: tuple[float, ...] = Field(
        (0.5, 1, 2, 5, 15, 60, 300), min_length=1, description="pause before each further attempt; then parked"
    )
    ready_lag_records: int = Field(10_000, ge=1, description="records to read before /ready names the lag")
    spans: str = Field("off", pattern=r"^(off|file:.+|otlp:https?://.+)$", description="off, file:FOLDER or otlp:URL")
    stop_seconds: float = Field(15, gt=0, le=60, description="a stop ends within this, whatever is down")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not CODE.fullmatch(self.agency):
            raise ValueError("agency: lower-case letters, digits and single hyphens only")
        if self.production and self.clock_file is not None:
            raise ValueError("clock_file: a movable clock is refused in production")
        Login.read(self.kafka_user, self.kafka_password_file)  # told at the start, not at the first use
        Login.read(self.mongo_user, self.mongo_password_file)
        return self

    @property
    def kafka_login(self) -> Login | None:
        return Login.read(self.kafka_user, self.kafka_password_file)

    @property
    def mongo_login(self) -> Login | None:
        return Login.read(self.mongo_user, self.mongo_password_file)
