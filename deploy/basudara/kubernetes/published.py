"""Writes `deploy/k8s/schemas/`: of the published schemas, what our resources need. See the README there.

python -m deploy.basudara.kubernetes.published DEFINITIONS CRD...
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "deploy" / "k8s" / "schemas"
KINDS = {
    "v1 ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1 Namespace": "io.k8s.api.core.v1.Namespace",
    "v1 Service": "io.k8s.api.core.v1.Service",
    "v1 ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "apps/v1 Deployment": "io.k8s.api.apps.v1.Deployment",
    "networking.k8s.io/v1 NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "policy/v1 PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# what says something to a person, or to a server that merges; and rules in CEL, which no JSON Schema can hold
UNUSED = re.compile(r"description|default|x-kubernetes-(?!preserve-unknown-fields|int-or-string).*")


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__)
        return 2
    definitions = json.loads(Path(arguments[0]).read_text())["$defs"]
    _write(SCHEMAS / "kubernetes.json", {"kinds": KINDS, "$defs": _needed(definitions)})
    crds = [yaml.safe_load(Path(file).read_text()) for file in arguments[1:]]
    _write(SCHEMAS / "custom.json", {"kinds": dict(sorted(map(_custom, crds)))})
    return 0


def _needed(definitions: dict[str, Any]) -> dict[str, Any]:
    """These kinds and all that they refer to."""
    found: dict[str, Any] = {}
    ahead = [*KINDS.values(), META]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found[name] = _bare(definitions[name])
            ahead += re.findall(r'"#/\$defs/([^"]+)"', json.dumps(found[name]))
    return dict(sorted(found.items()))


def _custom(crd: dict[str, Any]) -> tuple[str, Any]:
    spec = crd["spec"]
    version = next(one for one in spec["versions"] if one["storage"])
    schema = _bare(version["schema"]["openAPIV3Schema"])
    del schema["properties"]["status"]  # the operator's to write
    return f"{spec['group']}/{version['name']} {spec['names']['kind']}", schema


def _bare(part: Any, names: bool = False) -> Any:
    """`names`: the members of this part are named by the schema's author."""
    if isinstance(part, list):
        return [_bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _bare(value, names=not names and key == "properties")
        for key, value in part.items()
        if names or not UNUSED.fullmatch(key)
    }


def _write(file: Path, document: dict[str, Any]) -> None:
    """One line for each schema, so that a new version shows what changed."""
    parts = []
    for name, members in document.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in members.items()]
        parts.append(json.dumps(name) + ": {\n" + ",\n".join(lines) + "\n}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
