"""Alerts and dashboard ask for measures that exist, under labels that they carry."""

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from chassis import measures

from .tree import ROOT

FOLDER = ROOT / "deploy" / "observability"
OURS = re.compile(r"\bbasudara_\w+")
LABELS = re.compile(r"(?:\bby \(([\w, ]+)\)|\$labels\.(\w+))")
GIVEN = {"instance", "job", "le"}  # by Prometheus, not by us
MEASURES = {row._name: row for row in vars(measures).values() if isinstance(row, MetricWrapperBase)}


def spelled(name: str) -> set[str]:
    """How Prometheus spells a measure."""
    kind = MEASURES[name]._type
    return {"counter": {f"{name}_total"}, "histogram": {f"{name}_bucket", f"{name}_sum", f"{name}_count"}}.get(
        kind, {name}
    )


KNOWN = {spelling: name for name in MEASURES for spelling in spelled(name)}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def asked() -> list[tuple[str, str]]:
    """(where, expression with what is said of it)"""
    of_rules = [(rule["alert"], rule["expr"] + rule["annotations"]["summary"]) for rule in rules()]
    return of_rules + [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


@pytest.mark.parametrize(("where", "expression"), asked())
def test_what_is_asked_for_is_measured(where: str, expression: str) -> None:
    named = OURS.findall(expression)
    assert set(named) <= set(KNOWN), where
    assert named or where == "BasudaraServiceDown"
    carried = {label for name in named for label in MEASURES[KNOWN[name]]._labelnames} | GIVEN
    for by, told in LABELS.findall(expression):
        wanted = {label.strip() for label in (by or told).split(",")}
        assert wanted <= carried, where


def test_every_measure_is_on_the_dashboard() -> None:
    shown = {KNOWN[name] for panel in panels() for target in panel["targets"] for name in OURS.findall(target["expr"])}
    assert shown == set(MEASURES)


def test_an_alert_says_how_bad_it_is_and_where_to_look() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["runbook"]
