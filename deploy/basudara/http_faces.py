"""Writes and checks `contracts/http/`: the OpenAPI document of each service, taken from its routes.

python -m deploy.basudara.http_faces --write | --check [SERVICE...]
"""

import sys
from typing import Any

import yaml

from deploy.basudara import derived
from deploy.basudara.derived import ROOT

FACES = ROOT / "contracts" / "http"


class _Plain(yaml.SafeDumper):
    """Without anchors: what is said twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def face(service: str) -> str:
    """The text of `contracts/http/<service>.yaml`. Raises CannotImport."""
    # with its bootstrap, as the service does it, so that every refusal is known
    names = (f"{service}.bootstrap", f"{service}.entrypoints.http", "chassis.http")
    _, http, chassis = derived.imported(service, *names)
    document = chassis.faced_app(http.ROUTERS, http.TITLE, http.DESCRIPTION).openapi()
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def findings(service: str) -> list[str]:
    """One line, if the file is wrong. Raises CannotImport."""
    file, wanted = FACES / f"{service}.yaml", face(service)
    if not file.exists():
        return [f"contracts/http/{file.name} is missing"]
    if file.read_text() != wanted:
        return [f"contracts/http/{file.name} is not in step with the routes of {service}"]
    return []


def write(service: str) -> None:
    """Raises CannotImport."""
    FACES.mkdir(parents=True, exist_ok=True)
    (FACES / f"{service}.yaml").write_text(face(service))


def main(arguments: list[str] | None = None) -> int:
    return derived.main("deploy.basudara.http_faces", __doc__, write, findings, arguments)


if __name__ == "__main__":
    sys.exit(main())
