"""An installation that others run: where its broker and store answer, who its operator is, and where manifests lie.

`HOME/external.yaml`, for every command that has `--home`; what is relative in it begins in its folder.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from chassis.login import Login
from deploy.basudara.manifests import BadFile, valid

FILE = "external.yaml"


class External(BaseModel):
    """The operator is one user at both, with every right at the broker and the role `root` at the store."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kafka: str = Field(pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$", description="host:port[,host:port]")
    mongo: str = Field(pattern=r"^mongodb(\+srv)?://[^\s@]+$", description="without user and password")
    operator: str = Field(min_length=1, max_length=80)
    password_file: Path
    ca_file: Path | None = Field(None, description="who signs the certificates of both, PEM; none: no TLS")
    agencies: Path = Path("agencies")
    production: bool = True

    def login(self, home: Path) -> Login | None:
        """Raises BadFile."""
        try:
            return Login.read(self.operator, home / self.password_file, home / self.ca_file if self.ca_file else None)
        except ValueError as error:
            raise BadFile(f"{home / FILE}: {error}") from None


def read(file: Path) -> External:
    """Raises BadFile."""
    return valid(External, file)
