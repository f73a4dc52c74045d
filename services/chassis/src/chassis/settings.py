"""Values every service reads from its environment, once, in `__main__`."""

import json
import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from chassis.catalogue import CODE
from chassis.issuer import LOCAL_ISSUER, LOCAL_KID
from chassis.login import Login


class ChassisSettings(BaseSettings):
    """Each service subclasses this with `model_config = SettingsConfigDict(env_prefix="<SERVICE>_", frozen=True)`.

    Raises pydantic's ValidationError; `chassis.running` turns it into one line and exit code 2.
    """

    agency: str = Field(max_length=40, description="code of the agency that runs this service")
    mongo_url: SecretStr
    mongo_user: str | None = Field(None, description="this service's own user of its database; none: no authentication")
    mongo_password_file: Path | None = None
    mongo_ca_file: Path | None = Field(None, description="TLS, and who signs the store's certificate, PEM")
    database: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,56}$", description="this service's own; its record's is beside it"
    )
    kafka: str = Field(description="bootstrap addresses, host:port[,host:port]")
    kafka_user: str | None = Field(None, description="this service's own user (SCRAM-SHA-512); none: no authentication")
    kafka_password_file: Path | None = None
    kafka_tls: bool = Field(False, description="SASL_SSL, with the machine's trusted authorities")
    kafka_ca_file: Path | None = Field(None, description="SASL_SSL, and who signs the broker's certificate, PEM")
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65535, description="0: any free port")
    http_at_once: int = Field(128, ge=1, le=10_000, description="requests worked on at once; 503 for what is more")
    contracts_dir: Path
    requests_per_second: int = Field(200, ge=1, le=100_000, description="of one credential; ten times as many at once")
    issuer: str = Field(LOCAL_ISSUER, max_length=300, description="who signs tokens, as they name it")
    issuer_keys: Path | None = Field(None, description="JWKS file of the issuer; none: its keys are asked for by HTTP")
    issuer_jwks_url: str | None = Field(None, pattern=r"^https?://", description="where; none: by OpenID discovery")
    token_seconds: int = Field(43_200, ge=60, le=86_400, description="no token may be valid for longer")
    credential: Path | None = Field(None, description="file with this service's own bearer token")
    partners: Path | None = Field(None, description='JSON file {"agency/service": "base URL"}, read at use')
    clock_file: Path | None = Field(None, description="offset of a movable clock, seconds")
    production: bool = Field(False, description="refuse what is there for the example only")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    instance: str = Field("1", pattern=r"^[a-z0-9-]{1,40}$", description="differs between replicas of one service")
    poll_records: int = Field(500, ge=1, le=5000, description="records in one unit of work at most")
    handler_seconds: float = Field(5, gt=0, le=8, description="one record's handler; then it is tried again later")
    retry_seconds: tuple[Annotated[float, Field(ge=0, le=86_400)], ...] = Field(
        (0.5, 1, 2, 5, 15, 60, 300), min_length=1, description="pause before each further attempt; then parked"
    )
    ready_lag_records: int = Field(10_000, ge=1, description="records to read before /ready names the lag")
    spans: str = Field("off", pattern=r"^(off|file:.+|otlp:https?://.+)$", description="off, file:FOLDER or otlp:URL")
    stop_seconds: float = Field(15, gt=0, le=60, description="a stop ends within this, whatever is down")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not CODE.fullmatch(self.agency):
            raise ValueError("agency: lower-case letters, digits and single hyphens only")
        self._check_issuer()
        if self.production:
            self._check_production()
        if self.kafka_tls and self.kafka_user is None:
            raise ValueError("kafka_tls: needs a kafka_user")  # else it would go unnoticed that there is no TLS
        _ = self.kafka_login, self.mongo_login  # told at the start, not at the first use
        return self

    def _check_issuer(self) -> None:
        if self.issuer_keys is not None and self.issuer_jwks_url is not None:
            raise ValueError("issuer_keys, issuer_jwks_url: one of them, not both")
        if self.issuer_keys is None and self.issuer_jwks_url is None and not re.match("https?://", self.issuer):
            raise ValueError("issuer: an address is needed, since neither issuer_keys nor issuer_jwks_url is set")

    def _check_production(self) -> None:
        """What is there for the example only."""
        if self.clock_file is not None:
            raise ValueError("clock_file: a movable clock is refused in production")
        if self.issuer == LOCAL_ISSUER:
            raise ValueError("issuer: the example's is refused in production")
        for name in ("issuer", "issuer_jwks_url"):
            if str(getattr(self, name)).lower().startswith("http://"):
                raise ValueError(f"{name}: must be https in production")
        if self.issuer_keys is not None and _is_of_the_example(self.issuer_keys):
            raise ValueError("issuer_keys: the example's are refused in production, and so is what can't be read")

    @property
    def kafka_login(self) -> Login | None:
        return Login.read(self.kafka_user, self.kafka_password_file, self.kafka_ca_file)

    @property
    def mongo_login(self) -> Login | None:
        return Login.read(self.mongo_user, self.mongo_password_file, self.mongo_ca_file)


def _is_of_the_example(keys: Path) -> bool:
    """Or not to be read, so that nobody can tell."""
    try:
        rows = json.loads(keys.read_bytes())["keys"]
        return any(str(row["kid"]).startswith(LOCAL_KID) for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return True
