"""Promise 39: what nobody said of a person stays unknown, by whatever door it came and wherever it is shown."""

from typing import Any

from intake_office import SALMA, Office

from intake.adapters.csv_table import COLUMNS, REQUIRED

UNTOLD = ("supervision_until", "phone", "home", "disability", "accommodation")
LITTLE = {name: value for name, value in SALMA.items() if name not in UNTOLD} | {"whatsapp_optin": False}
UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("sdp_ref", "supervision_until", "alias", "nik", "phone", "guardian", "eligibility")),
    **dict.fromkeys(("officer_id", "facility_officer_id", "suspension_code", "closing_code")),
    "home": dict.fromkeys(("kecamatan", "village", "village_kind", "address")),
    **{name: [] for name in ("disability", "accommodation", "interest", "warnings")},
}


async def must_be_unknown(office: Office, case_ref: str) -> None:
    """In the view, in the event, and where a number is asked for."""
    seen = (await office.get(f"/cases/{case_ref}")).json()
    assert {name: seen[name] for name in UNKNOWN} == UNKNOWN
    (told,) = [one.data for one in await office.events("case.registered") if one.data["case_ref"] == case_ref]
    assert {told[name] for name in ("home_area", "age_group_until", "referable_until")} == {None}
    assert (await office.contact(case_ref)).status_code == 404


async def test_what_an_officer_did_not_say_stays_unknown(office: Office) -> None:
    await must_be_unknown(office, (await office.registered(LITTLE))["case_ref"])


async def test_what_a_file_does_not_say_stays_unknown_whether_cell_or_column_is_missing(office: Office) -> None:
    spelled = {True: "ya", False: "tidak"}
    told = {name: spelled.get(value, value) if isinstance(value, bool) else value for name, value in LITTLE.items()}
    for number, columns in enumerate((sorted(REQUIRED), sorted(COLUMNS)), start=1):
        row = {**told, "register_no": f"REG/{number}/X"}
        file = "\n".join([",".join(columns), ",".join(str(row.get(name, "")) for name in columns)])
        headers = {**office.running.as_("probation_officer"), "Content-Type": "text/csv"}
        reply = await office.running.http.post("/cases/import", content=file, headers=headers)
        (verdict,) = reply.json()["rows"]
        assert (verdict["verdict"], verdict["problems"]) == ("registered", [])
        await must_be_unknown(office, verdict["case_ref"])


async def test_what_is_unknown_is_unknown_on_the_card_too(office: Office) -> None:
    consent = await office.granted(await office.assessed(LITTLE))
    ref = consent["agency_case_ref"]
    card = (await office.card(ref, await office.referral(ref, "accepted"))).json()
    unknown: dict[str, Any] = dict.fromkeys(("phone", "guardian", "kecamatan", "nik"))
    assert {name: card[name] for name in unknown} == unknown
    assert card["accommodations"] == []
