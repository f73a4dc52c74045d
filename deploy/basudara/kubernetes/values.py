"""What differs from cluster to cluster, as a file: read strictly, refused with file, field and rule."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis import strict_yaml
from deploy.basudara.manifests import BadFile

_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

Networks = tuple[IPv4Network | IPv6Network, ...]


class Values(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    images: str = Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]{0,199}$", description="before the service's name")
    tag: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
    issuer: str = Field(pattern=r"^https://[^\s{}]+$", description="who signs tokens; its keys by OpenID discovery")
    issuer_addresses: Networks = Field(min_length=1)
    gateway: str = Field(pattern=r"^https://[^\s{}]+$", description="the message gateway")
    gateway_addresses: Networks = Field(min_length=1)
    receipts: str = Field(pattern=r"^https://[^\s{}]*\{agency\}[^\s{}]*$", description="where it sends receipts")
    doors_from: tuple[str, ...] = Field(description="namespaces of the ingress controller and of who scrapes")
    secret_store: str = Field(pattern=_LABEL, description="the SecretStore in each namespace")
    storage_gib: int = Field(ge=1, le=100_000, description="of each broker")
    storage_class: str | None = Field(None, pattern=_LABEL, description="none: the cluster's default")


def read(file: Path) -> Values:
    """Raises BadFile."""
    try:
        return Values.model_validate(strict_yaml.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadFile(f"{file}: not the YAML we accept: {' '.join(str(error).split())[:200]}") from None
    except ValidationError as error:
        row = error.errors(include_url=False)[0]
        raise BadFile(f"{file}: {'.'.join(map(str, row['loc'])) or 'file'}: {row['msg']}") from None
