"""`basudara render k8s`: writes what is right, refuses what is not in one line, tells what is out of step."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from deploy.basudara.cli import app
from deploy.basudara.kubernetes import tree
from deploy.basudara.manifests import Agency, Agreement, BadFile, Subscriber
from tests.k8s.example import CATALOGUE, ROOT, VALUES, agencies, agreements, of_kind

LONGEST = 40  # characters of an agency's code


def render(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["render", "k8s", *map(str, arguments)])


def test_it_writes_what_it_then_finds_in_step(tmp_path: Path) -> None:
    made = render("--out", tmp_path)
    assert made.exit_code == 0, made.output
    assert "7 Deployment" in made.output
    assert "139 resources in 26 files" in made.output
    assert render("--out", tmp_path, "--check").exit_code == 0


def test_it_tells_what_is_out_of_step(tmp_path: Path) -> None:
    render("--out", tmp_path)
    (tmp_path / "kafka" / "4-users.yaml").write_text("changed by hand")
    (tmp_path / "agencies" / "bapas-ambon" / "intake.yaml").unlink()
    (tmp_path / "agencies" / "bapas-ambon" / "old.yaml").write_text("")
    found = render("--out", tmp_path, "--check")
    assert found.exit_code == 1
    assert "intake.yaml is missing" in found.output
    assert "old.yaml is too much" in found.output
    assert "4-users.yaml is not in step" in found.output
    render("--out", tmp_path)
    assert render("--out", tmp_path, "--check").exit_code == 0


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("issuer", "http://login.example", "String should match pattern"),
        ("issuer_addresses", [], "at least 1 item"),
        ("gateway_addresses", ["192.0.2.300/32"], "not a valid"),
        ("receipts", "https://doors.example/receipts", "String should match pattern"),
        ("storage_gib", 0, "greater than or equal to 1"),
        ("tag", "one two", "String should match pattern"),
        ("colour", "red", "Extra inputs are not permitted"),
    ],
)
def test_a_bad_value_is_one_line_and_nothing_is_written(member: str, value: object, rule: str, tmp_path: Path) -> None:
    good = yaml.safe_load((ROOT / "deploy" / "k8s" / "values.yaml").read_text())
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({**good, member: value}))
    made = render("--site", tmp_path / "values.yaml", "--out", tmp_path / "out")
    assert made.exit_code == 2
    (line,) = made.stderr.splitlines()
    assert f"values.yaml: {member}" in line
    assert rule in line
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    made = render("--site", tmp_path / "none.yaml", "--out", tmp_path / "out")
    assert (made.exit_code, len(made.stderr.splitlines())) == (2, 1)
    assert "cannot be read" in made.stderr


def test_what_is_refused_is_not_written(tmp_path: Path) -> None:
    """Here: the ingress controller's namespace has a name that no namespace has."""
    good = yaml.safe_load((ROOT / "deploy" / "k8s" / "values.yaml").read_text())
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({**good, "doors_from": ["Ingress_"]}))
    made = render("--site", tmp_path / "values.yaml", "--out", tmp_path / "out")
    assert made.exit_code == 1
    assert "NetworkPolicy doors: spec.ingress.0.from.0.namespaceSelector.matchLabels" in made.output
    assert not (tmp_path / "out").exists()


def test_the_longest_codes_make_names_that_kubernetes_takes() -> None:
    sender, trainer = "a" * LONGEST, "b-" * (LONGEST // 2 - 1) + "cc"
    both: dict[str, Agency] = {
        code: Agency(agency=code, name=code, services=services, keeps_register=code == sender)
        for code, services in (
            (sender, ("intake", "referral", "notification")),
            (trainer, ("training", "notification")),
        )
    }
    made = tree.rendered(CATALOGUE, both, [_between(sender, trainer)], VALUES)
    assert tree.findings(made) == []
    longest = {kind: max(len(one["metadata"]["name"]) for one in of_kind(made, kind)) for kind in tree.kinds(made)}
    print(longest)
    assert longest["Namespace"] == len("basudara-") + LONGEST


def test_codes_can_not_run_into_each_other() -> None:
    """`a` and `a-b`, and codes that sound like our own namespaces, stay apart."""
    codes = ("a", "a-b", "kafka", "mongodb-a", "basudara", "default")
    many = {code: Agency(agency=code, name=code, services=("training",), keeps_register=code == "a") for code in codes}
    made = tree.rendered(CATALOGUE, many, [], VALUES)
    assert tree.findings(made) == []
    assert tree.kinds(made)["Namespace"] == len(codes) + 1


def test_a_subscriber_of_what_is_no_channel_is_refused() -> None:
    bad = {**agencies()}
    code, one = next(iter(bad.items()))
    bad[code] = one.model_copy(update={"subscribers": (Subscriber(name="board", channels=("intake.nothing",)),)})
    with pytest.raises(BadFile, match=r"no channel intake\.nothing"):
        tree.rendered(CATALOGUE, bad, agreements(), VALUES)


def _between(sender: str, trainer: str) -> Agreement:
    parties = ({"agency": sender, "role": "SENDER"}, {"agency": trainer, "role": "TRAINER"})
    return agreements()[1].model_validate({**agreements()[1].model_dump(), "parties": parties})
