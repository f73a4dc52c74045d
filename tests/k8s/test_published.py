"""What is taken of a published schema: all that it demands, nothing that it only says."""

import json
from pathlib import Path

import pytest
import yaml

from deploy.basudara.kubernetes import published

DEFINITIONS = {
    "$defs": {
        "thing": {
            "description": "told to a person",
            "type": "object",
            "properties": {
                "description": {"type": "string", "description": "a member that is called so"},
                "default": {"type": "integer", "default": 3},
                "properties": {"type": "object", "properties": {"a": {"$ref": "#/$defs/other", "description": "told"}}},
            },
            "required": ["description"],
            "x-kubernetes-group-version-kind": [],
        },
        "other": {"type": "string", "pattern": "^a", "enum": ["a"], "maxLength": 3},
        "unasked": {"type": "string"},
        published.META: {"type": "object"},
    }
}
CRD = {
    "spec": {
        "group": "example.org",
        "names": {"kind": "Toy"},
        "versions": [
            {"name": "v1beta1", "storage": False, "schema": {}},
            {
                "name": "v1",
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "properties": {
                            "spec": {"x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-validations": []},
                            "status": {"type": "object"},
                        }
                    }
                },
            },
        ],
    }
}


def test_what_is_demanded_stays_and_what_is_said_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "SCHEMAS", tmp_path / "schemas")
    monkeypatch.setattr(published, "KINDS", {"v1 Thing": "thing"})
    (tmp_path / "definitions.json").write_text(json.dumps(DEFINITIONS))
    (tmp_path / "crd.yaml").write_text(yaml.safe_dump(CRD))
    assert published.main([str(tmp_path / "definitions.json"), str(tmp_path / "crd.yaml")]) == 0

    kubernetes = json.loads((tmp_path / "schemas" / "kubernetes.json").read_text())
    assert kubernetes["kinds"] == {"v1 Thing": "thing"}
    assert kubernetes["$defs"] == {
        published.META: {"type": "object"},
        "other": DEFINITIONS["$defs"]["other"],
        "thing": {
            "type": "object",
            "properties": {
                "description": {"type": "string"},
                "default": {"type": "integer"},
                "properties": {"type": "object", "properties": {"a": {"$ref": "#/$defs/other"}}},
            },
            "required": ["description"],
        },
    }
    custom = json.loads((tmp_path / "schemas" / "custom.json").read_text())
    spec = {"x-kubernetes-preserve-unknown-fields": True}
    assert custom == {"kinds": {"example.org/v1 Toy": {"properties": {"spec": spec}}}}


def test_without_files_it_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert published.main([]) == 2
    assert "DEFINITIONS CRD" in capsys.readouterr().out
