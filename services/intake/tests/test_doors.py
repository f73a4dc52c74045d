"""Who may look at a person, and what they see: cards, contacts, cases, imports."""

import asyncio
from typing import Any

import pytest
from intake_office import DENI, FACILITY, HEAD, PK, SALMA, Office

HEADER = (
    "register_no,basis_document,handed_over_on,supervision_basis,full_name,birth_date,sex,education,"
    "whatsapp_optin,phone_is_shared,has_diploma,in_custody,phone,nik,home_kecamatan"
)
YOPI = (
    "REG/1/Z,BA-1,2027-01-11,CONDITIONAL_LEAVE,Yopi Contoh,1999-06-01,M,PRIMARY,"
    "ya,false,false,false,081000000031,,81.71.01"
)
ONA = "REG/2/Z,BA-2,2027-01-11,PAROLE,Ona Seumpama,1985-06-01,F,PRIMARY,false,false,false,false,,8171995703929001,"


async def trained(office: Office) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A case with consent and an accepted referral."""
    case = await office.assessed()
    consent = await office.granted(case)
    return case, consent, await office.referral(consent["agency_case_ref"], "accepted")


# -- the participant card ----------------------------------------------------------------------------------------------


async def test_the_card_shows_what_a_course_needs_and_nothing_of_the_sentence(office: Office) -> None:
    case, consent, referral_id = await trained(office)
    reply = await office.card(consent["agency_case_ref"], referral_id)
    assert reply.status_code == 200, reply.text
    assert reply.json() == {
        "full_name": "Salma Misal",
        "birth_date": "1992-03-17",
        "sex": "F",
        "phone": "+6281000000021",
        "guardian": None,
        "kecamatan": "81.71.02",
        "education": "LOWER_SECONDARY",
        "has_diploma": False,
        "accommodations": ["SIGN_LANGUAGE"],
        "nik": None,
    }
    shown = (await office.get(f"/cases/{case['case_ref']}/disclosures")).json()
    assert [(row["to_agency"], row["kind"], row["referral_id"]) for row in shown] == [
        (office.partner, "PARTICIPANT_CARD", referral_id)
    ]
    assert "phone" in shown[0]["fields"]
    assert "nik" not in shown[0]["fields"]


async def test_the_nik_is_shown_only_where_the_course_demands_it(office: Office) -> None:
    case = await office.assessed(nik="8171025703929001")
    consent = await office.granted(case)
    referral_id = await office.referral(consent["agency_case_ref"], "accepted")
    assert (await office.card(consent["agency_case_ref"], referral_id)).json()["nik"] is None
    asked = await office.card(consent["agency_case_ref"], referral_id, nik="required")
    assert asked.json()["nik"] == "8171025703929001"
    shown = (await office.get(f"/cases/{case['case_ref']}/disclosures")).json()
    assert ["nik" in row["fields"] for row in shown] == [False, True]


async def test_no_card_before_the_referral_is_accepted_or_after_its_end(office: Office) -> None:
    consent = await office.granted(await office.assessed())
    ref = consent["agency_case_ref"]
    unknown = "ref_" + "a" * 26
    reply = await office.card(ref, unknown)
    assert (reply.status_code, reply.json()["missing"]) == (403, "accepted_referral")
    for ending in ("completed", "failed", "cancelled", "voided"):
        referral_id = await office.referral(ref, "accepted", ending)
        assert (await office.card(ref, referral_id)).status_code == 403


async def test_a_replayed_acceptance_does_not_open_the_card_again(office: Office) -> None:
    consent = await office.granted(await office.assessed())
    ref = consent["agency_case_ref"]
    referral_id = await office.referral(ref, "accepted", "cancelled")
    data = {"referral_id": referral_id, "case_ref": ref, "accepted_at": "2027-03-04T03:00:00.000Z"}
    await office.running.hear("id.basudara.referral.referral.accepted.v1", data, subject=referral_id, version=3)
    await office.running.settled()
    assert (await office.card(ref, referral_id)).status_code == 403


async def test_after_withdrawal_the_card_is_gone(office: Office) -> None:
    _, consent, referral_id = await trained(office)
    await office.answered(consent, "withdraw", given_by="PERSON")
    assert (await office.card(consent["agency_case_ref"], referral_id)).status_code == 410


async def test_after_its_date_the_card_is_gone_even_before_the_clock_says_so(office: Office) -> None:
    _, consent, referral_id = await trained(office)
    office.at(days=400)
    assert (await office.card(consent["agency_case_ref"], referral_id)).status_code == 410


async def test_consent_for_something_else_gives_no_card(office: Office) -> None:
    consent = await office.granted(await office.assessed(), "MESSAGING")
    referral_id = await office.referral(consent["agency_case_ref"], "accepted")
    reply = await office.card(consent["agency_case_ref"], referral_id)
    assert (reply.status_code, reply.json()["missing"]) == (403, "consent")


async def test_a_suspended_agreement_lets_a_running_referral_finish_an_ended_one_does_not(office: Office) -> None:
    _, consent, referral_id = await trained(office)
    await office.agreement("SUSPENDED", version=2)
    assert (await office.card(consent["agency_case_ref"], referral_id)).status_code == 200
    await office.agreement("ENDED", version=3)
    reply = await office.card(consent["agency_case_ref"], referral_id)
    assert (reply.status_code, reply.json()["missing"]) == (403, "agreement")


async def test_another_agency_learns_nothing_from_a_pseudonym(office: Office) -> None:
    case, consent, referral_id = await trained(office)
    stranger = await office.card(consent["agency_case_ref"], referral_id, agency=office.other)
    nobody = await office.card("prt_" + "z" * 26, referral_id, agency=office.other)
    own_ref = await office.card(case["case_ref"], referral_id)
    assert {reply.status_code for reply in (stranger, nobody, own_ref)} == {403}
    first, second = ({**reply.json(), "instance": ""} for reply in (stranger, nobody))
    assert first == second


@pytest.mark.parametrize(
    ("role", "service"), [("programme_officer", None), ("service", "notification"), ("service", None), (PK, None)]
)
async def test_only_a_training_service_may_ask_for_a_card(office: Office, role: str, service: str | None) -> None:
    _, consent, referral_id = await trained(office)
    reply = await office.running.http.get(
        f"/participant-cards/{consent['agency_case_ref']}?referral_id={referral_id}",
        headers=office.running.as_(role, agency=office.partner, service=service),
    )
    assert reply.status_code == 403


async def test_a_card_and_a_withdrawal_at_once_are_one_after_the_other(office: Office) -> None:
    _, consent, referral_id = await trained(office)
    replies = await asyncio.gather(
        *(office.card(consent["agency_case_ref"], referral_id) for _ in range(5)),
        office.answer(consent, "withdraw", given_by="PERSON"),
    )
    assert {reply.status_code for reply in replies} <= {200, 410}
    assert (await office.card(consent["agency_case_ref"], referral_id)).status_code == 410


async def test_a_childs_card_names_the_guardian(office: Office) -> None:
    consent = await office.granted(await office.assessed(DENI), by=("GUARDIAN", "CHILD"))
    referral_id = await office.referral(consent["agency_case_ref"], "accepted")
    card = (await office.card(consent["agency_case_ref"], referral_id)).json()
    assert card["guardian"] == {
        "full_name": "Tante Umpama",
        "relation": "bibi",
        "phone": "+6281000000022",
        "kind": "WALI",
    }


# -- contacts ----------------------------------------------------------------------------------------------------------


async def test_notification_asks_for_a_number_under_any_pseudonym_of_the_case(office: Office) -> None:
    case = await office.assessed()
    consent = await office.granted(case, "MESSAGING")
    for ref in (case["case_ref"], consent["agency_case_ref"]):
        assert (await office.contact(ref)).json() == {
            "role": "KLIEN",
            "phone": "+6281000000021",
            "whatsapp_optin": True,
            "in_custody": False,
            "case_closed": False,
            "messaging_consent": True,
        }
    shown = (await office.get(f"/cases/{case['case_ref']}/disclosures")).json()
    assert [(row["kind"], row["fields"]) for row in shown] == [("CONTACT", ["klien.phone"])] * 2


async def test_messaging_consent_is_per_agency_and_ends_with_withdrawal(office: Office) -> None:
    await office.agreement(partner=office.other)
    case = await office.assessed()
    consent = await office.granted(case, "MESSAGING")
    other = await office.asked(case, agency=office.other)
    assert not (await office.contact(other["agency_case_ref"])).json()["messaging_consent"]
    await office.answered(consent, "withdraw", given_by="PERSON")
    assert not (await office.contact(consent["agency_case_ref"])).json()["messaging_consent"]


async def test_a_child_in_custody_is_marked_so_and_the_aunt_and_the_officers_are_found(office: Office) -> None:
    reply = await office.post("/cases", DENI, FACILITY, subject="lpka-1")
    case = await office.moved(reply.json(), "assign", officer_id="pk-1", conflict_free=True)
    ref = case["case_ref"]
    assert (await office.contact(ref)).status_code == 404  # he has no phone
    aunt = (await office.contact(ref, "GUARDIAN")).json()
    assert (aunt["phone"], aunt["whatsapp_optin"]) == ("+6281000000022", False)
    officer = (await office.contact(ref, "PROBATION_OFFICER")).json()
    assert (officer["phone"], officer["whatsapp_optin"]) == ("+6281000000091", True)
    assert (await office.contact(ref, "FACILITY_OFFICER")).json()["phone"] == "+6281000000092"


async def test_a_closed_case_says_so(office: Office) -> None:
    case = await office.registered()
    await office.moved(case, "close", reason_code="DIED", aftercare=False)
    assert (await office.contact(case["case_ref"])).json()["case_closed"]


async def test_contacts_are_for_the_own_notification_alone(office: Office) -> None:
    case = await office.registered()
    for who in (
        {"role": "service", "service": "training"},
        {"role": PK},
        {"role": "service", "service": "notification", "agency": office.partner},
    ):
        reply = await office.running.http.get(
            f"/contacts/{case['case_ref']}?role=KLIEN", headers=office.running.as_(who.pop("role"), **who)
        )
        assert reply.status_code == 403
    assert (await office.contact("prt_" + "z" * 26)).status_code == 404


# -- what officers read ------------------------------------------------------------------------------------------------


async def test_a_facility_officer_reads_the_own_files_only(office: Office) -> None:
    own = (await office.post("/cases", DENI, FACILITY, subject="lpka-1")).json()
    other = await office.registered()
    assert (await office.get(f"/cases/{own['case_ref']}", FACILITY, subject="lpka-1")).status_code == 200
    assert (await office.get(f"/cases/{other['case_ref']}", FACILITY, subject="lpka-1")).status_code == 403
    listed = (await office.get("/cases", FACILITY, subject="lpka-1")).json()
    assert [row["case_ref"] for row in listed] == [own["case_ref"]]


@pytest.mark.parametrize("role", ["programme_officer", "service", "regional_office"])
async def test_nobody_else_reads_a_case(office: Office, role: str) -> None:
    case = await office.registered()
    for path in (f"/cases/{case['case_ref']}", "/cases", f"/consents?case_ref={case['case_ref']}"):
        assert (await office.get(path, role)).status_code == 403
    assert (await office.get(f"/cases/{case['case_ref']}", PK, agency=office.partner)).status_code == 403


async def test_a_case_is_found_by_its_register_number_in_a_body(office: Office) -> None:
    case = await office.registered()
    found = await office.post("/cases/search", {"register_no": "REG/0042/X"}, HEAD)
    assert found.json()["case_ref"] == case["case_ref"]
    missing = await office.post("/cases/search", {"register_no": "REG/9999/X"}, HEAD)
    assert missing.status_code == 404
    assert "9999" not in missing.text


async def test_a_number_stands_in_the_register_once(office: Office) -> None:
    first = await office.registered(sdp_ref="SDP-1")
    again = await office.post("/cases", {**SALMA, "full_name": "Orang Lain"})
    assert (again.status_code, again.json()["case_ref"]) == (409, first["case_ref"])
    same_sdp = await office.post("/cases", {**SALMA, "register_no": "REG/0099/X", "sdp_ref": "SDP-1"})
    assert (same_sdp.status_code, same_sdp.json()["field"]) == (409, "sdp_ref")


async def test_of_fifty_twins_of_a_registration_one_opens_a_case_and_all_are_told_which(office: Office) -> None:
    """Promise 36: and whoever asks once more is told the same."""
    replies = await asyncio.gather(*(office.post("/cases", SALMA) for _ in range(50)))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 49
    again = await office.post("/cases", SALMA)
    assert {reply.json()["case_ref"] for reply in (*replies, again)} == {replies[0].json()["case_ref"]}
    refused = {(one.json()["type"], one.json()["field"]) for one in (*replies, again) if one.status_code == 409}
    assert refused == {("urn:basudara:problem:already_registered", "register_no")}
    assert len(await office.events("case.registered")) == 1


async def test_a_faulty_registration_is_told_every_rule_and_stores_nothing(office: Office) -> None:
    reply = await office.post("/cases", {**SALMA, "nik": "12345", "phone": "ponsel", "sex": "X"})
    assert reply.status_code == 422
    assert "ponsel" not in reply.text
    assert "12345" not in reply.text
    reply = await office.post("/cases", {**SALMA, "nik": "12345"})
    assert (reply.json()["field"], reply.json()["rule"]) == ("nik", "16 digits")
    assert (await office.post("/cases/search", {"register_no": SALMA["register_no"]})).status_code == 404
    assert await office.events("case.registered") == []


async def test_corrections_that_others_were_told_of_are_refused(office: Office) -> None:
    case = await office.registered()
    for change in ({"birth_date": "2010-01-01"}, {"supervision_until": "2027-12-31"}, {"home": {}}):
        body = {"expected_version": 1, "corrections": change}
        assert (await office.post(f"/cases/{case['case_ref']}/corrections", body)).status_code in (409, 422)
    body = {"expected_version": 1, "corrections": {"full_name": None}}
    assert (await office.post(f"/cases/{case['case_ref']}/corrections", body)).status_code == 422
    body = {"expected_version": 1, "corrections": {"phone": "0811 0000 0044", "home": {"kecamatan": "81.71.05"}}}
    reply = await office.post(f"/cases/{case['case_ref']}/corrections", body)
    assert reply.status_code == 200, reply.text
    whole = (await office.get(f"/cases/{case['case_ref']}")).json()
    assert (whole["phone"], whole["home"]["kecamatan"]) == ("+6281100000044", "81.71.05")


# -- import ------------------------------------------------------------------------------------------------------------


async def sent(office: Office, text: str, role: str = PK, kind: str = "text/csv; charset=utf-8") -> Any:
    headers = {**office.running.as_(role), "Content-Type": kind}
    return await office.running.http.post("/cases/import", content=text.encode(), headers=headers)


async def test_a_file_is_taken_in_row_by_row_and_twice_changes_nothing(office: Office) -> None:
    bad = ONA.replace("REG/2/Z", "REG/3/Z").replace("8171995703929001", "123")
    file = "\n".join([HEADER, YOPI, ONA, bad, YOPI, YOPI.replace("Yopi", "Yopie"), YOPI + ",x"])
    first = (await sent(office, file)).json()
    assert [row["verdict"] for row in first["rows"]] == [
        "registered", "registered", "refused", "unchanged", "refused", "refused"
    ]  # fmt: skip
    assert (first["registered"], first["unchanged"], first["refused"]) == (2, 1, 3)
    assert first["rows"][1]["warnings"][0] == {"field": "nik", "rule": "area unknown"}
    assert first["rows"][2]["problems"] == [{"field": "nik", "rule": "16 digits"}]
    assert first["rows"][4]["problems"][0]["field"] == "register_no"
    assert [row["line"] for row in first["rows"]] == [2, 3, 4, 5, 6, 7]

    again = (await sent(office, file)).json()
    assert (again["registered"], again["unchanged"], again["refused"]) == (0, 3, 3)
    assert again["rows"][0]["case_ref"] == first["rows"][0]["case_ref"]
    events = await office.events("case.registered")
    assert len(events) == 2
    assert len({event.correlationid for event in events}) == 2


async def test_the_same_file_sent_twice_at_once_registers_each_person_once(office: Office) -> None:
    file = "\n".join([HEADER, YOPI, ONA])
    replies = await asyncio.gather(*(sent(office, file) for _ in range(4)))
    assert sum(reply.json()["registered"] for reply in replies) == 2
    assert sum(reply.json()["unchanged"] for reply in replies) == 6
    assert len(await office.events("case.registered")) == 2


async def test_an_imported_person_can_be_corrected_and_the_file_stays_unchanged(office: Office) -> None:
    file = "\n".join([HEADER, YOPI])
    case = (await sent(office, file)).json()["rows"][0]
    body = {"expected_version": 1, "corrections": {"phone": "081000000055"}}
    assert (await office.post(f"/cases/{case['case_ref']}/corrections", body)).status_code == 200
    assert (await sent(office, file)).json()["unchanged"] == 1
    assert (await office.get(f"/cases/{case['case_ref']}")).json()["phone"] == "+6281000000055"


async def test_a_file_that_is_no_table_of_ours_registers_nobody(office: Office) -> None:
    for text, status in (
        ("\n".join([HEADER + ",umur", YOPI + ",27"]), 422),
        ("\n".join([YOPI, ONA]), 422),
        ("\n".join([HEADER, *[YOPI] * 51]), 413),
        ("", 422),
    ):
        reply = await sent(office, text)
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"
        assert "Yopi" not in reply.text
    assert (await sent(office, HEADER, kind="application/json")).status_code in (415, 422)
    assert (await sent(office, "\n".join([HEADER, YOPI]), role=HEAD)).status_code == 403
    assert await office.events("case.registered") == []
