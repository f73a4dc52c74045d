"""Where the containers that make the installation find its volumes, and what `docker-compose.yml` says of a service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.basudara.stack import ROOT

HOME = ROOT / ".local" / "up"  # where `basudara` looks by itself
HANDED = Path("/handed")  # the volumes of all who are handed a secret, by name
SECRETS = "/secrets"  # where each of them has its own
PORT = 8080  # of every door, in its network


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def container(name: str) -> str:
    """Of the service "agency/service"."""
    return name.replace("/", "-")
