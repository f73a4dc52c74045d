"""An agency's key is replaced in a running installation, by one command; a second one drops the former key."""

from pathlib import Path

from chassis.keyring import Keyring
from deploy.basudara.stack import Stack
from tests.system.command import basudara, refused
from tests.system.offices import BAPAS, Offices, klien


def test_persons_are_read_under_a_new_key_and_the_former_goes_when_nothing_needs_it(town: Stack) -> None:
    offices, file = Offices(town), Path(town.secrets.settings(BAPAS, "intake")["AGENCY_KEY_FILE"])
    people = [klien(7000 + one, f"Orang Contoh {one}", None, "1988-08-08", "PAROLE", "2028-11-30") for one in range(3)]
    for who in people:
        offices.register(who)
    before = Keyring.load(file)
    assert "no former key" in refused(town, "agency", "rekey", BAPAS, "--drop-former")
    told = basudara(town, "agency", "rekey", BAPAS)
    assert told.status == 0
    ring = Keyring.load(file)
    assert told.shown.splitlines()[:2] == [
        f"new key {ring.current.name} of {BAPAS}",
        "left under a former key: nothing",
    ]
    assert [key.state for key in ring.keys] == ["former", "current"]
    assert ring.keys[0].secret == before.current.secret
    assert file.stat().st_mode & 0o777 == 0o600
    assert basudara(town, "agency", "rekey", BAPAS).shown == told.shown, "cut short, it would go on; done, it says so"
    with town.reach.store() as client:  # somebody's, from a backup
        keys = client[town.databases[f"{BAPAS}/intake"]]["person_keys"]
        assert keys.count_documents({"wrapped": {"$regex": f"^{ring.current.name}:"}}) == len(people)
        keys.insert_one({"_id": "prt_left", "version": 1, "wrapped": "ffffffff:left"})
        kept = basudara(town, "agency", "rekey", BAPAS, "--drop-former")
        assert (kept.status, "nothing was dropped" in kept.shown) == (1, True)
        assert "left under a former key: 1\n" in kept.shown
        assert Keyring.load(file) == ring
        keys.delete_one({"_id": "prt_left"})
    dropped = basudara(town, "agency", "rekey", BAPAS, "--drop-former")
    assert (dropped.status, f"former key of {BAPAS} dropped" in dropped.shown) == (0, True)
    assert [key.state for key in Keyring.load(file).keys] == ["dropped", "current"]
    for who in people:
        view = offices.pk.get(f"/cases/{who.case}")
        assert view["full_name"] == who.body["full_name"]
        twin = offices.pk.refused("/cases", who.body)
        assert twin["case_ref"] == who.case


def test_what_can_not_be_replaced_is_told_in_one_line(town: Stack) -> None:
    assert "no manifest" in refused(town, "agency", "rekey", "nobody")
    assert "not a code" in refused(town, "agency", "rekey", "Nobody")
    assert "none of its services keeps persons" in refused(town, "agency", "rekey", "kanwil-maluku")
    town.kill(f"{BAPAS}/intake")
    try:
        assert "intake must run" in refused(town, "agency", "rekey", BAPAS)
    finally:
        town.start(f"{BAPAS}/intake")
