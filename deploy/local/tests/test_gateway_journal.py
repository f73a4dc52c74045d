"""What the gateway writes down of calls, and how it tells of many messages at once."""

import subprocess
import sys
from pathlib import Path

from deploy.local.tests.gateway_world import ROOT, Agency, behave, gateway, sms, until, whatsapp


def test_every_call_is_written_down_a_reference_sent_again_too(tmp_path: Path) -> None:
    agency, journal = Agency(), tmp_path / "journal"
    try:
        with gateway(tmp_path, agency.url, "--journal", str(journal)) as (client, _):
            whatsapp(client, agency, "m-1")
            whatsapp(client, agency, "m-1")
            sms(client, agency, "m-1")
            behave(client, "refuse")
            whatsapp(client, agency, "m-2")
            rows = [line.split(" ") for line in journal.read_text().splitlines()]
    finally:
        agency.close()
    assert [row[1:] for row in rows] == [
        ["taken", "WHATSAPP", "m-1"],
        ["known", "WHATSAPP", "m-1"],
        ["taken", "SMS", "m-1"],
        ["refused", "WHATSAPP", "m-2"],
    ]
    times = [float(row[0]) for row in rows]
    assert times == sorted(times)


def test_statuses_that_fall_due_together_go_in_one_webhook_and_each_is_told(tmp_path: Path) -> None:
    agency, references = Agency(), [f"m-{number}" for number in range(20)]
    try:
        with gateway(tmp_path, agency.url, "--gather", "2") as (client, _):
            for reference in references:
                whatsapp(client, agency, reference)
            until(lambda: len(_told(agency)) == len(references))
    finally:
        agency.close()
    assert sorted(_told(agency)) == sorted(references)
    assert len(agency.heard) < len(references), "not a webhook for each"


def _told(agency: Agency) -> list[str]:
    changes = [entry["changes"][0] for webhook in agency.told() for entry in webhook["entry"]]
    return [change["value"]["statuses"][0]["biz_opaque_callback_data"] for change in changes]


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("rahasia")
    command = [sys.executable, "-m", "deploy.local.gateway", "--port", "1", "--secret-file", str(secret)]
    ended = subprocess.run(
        [*command, "--journal", str(tmp_path / "no" / "journal")], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("--journal: No such file or directory")
