"""Six o'clock: what was held over night goes below the agreed rate, once each, whoever of the replicas sends."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notification_examples import wit
from notification_office import office_open, training

from chassis.running import Service
from notification.bootstrap import build

PEOPLE = 120
PER_MINUTE = 1200  # 20 a second


def ref(kind: str, number: int) -> str:
    letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:026d}")
    return f"{kind}_{letters}"


async def test_held_messages_go_once_and_below_the_rate_with_three_senders(
    running_service: Callable[..., Any], tmp_path: Path
) -> None:
    night = wit("2027-01-13", "22:00")
    async with office_open(running_service, tmp_path, night, messages_per_minute=PER_MINUTE) as office:
        svc = office.svc
        for number in range(PEOPLE):
            asked = {
                "referral_id": ref("ref", number),
                "case_ref": ref("prt", number),
                "followup_id": ref("fol", number),
            }
            due = {
                "enrolment_id": ref("enr", number),
                "day": 30,
                "window_from": "2027-01-13",
                "window_until": "2027-01-20",
            }
            await svc.hear(training("followup.due"), {**asked, **due}, subject=asked["followup_id"])
        await svc.settled()
        assert {one.state for one in await office.messages()} == {"held"}
        assert len(await office.messages()) == 2 * PEOPLE, "each of the two programme officers"
        others = []
        for instance in ("2", "3"):
            settings = svc.service.settings.model_copy(update={"instance": instance})
            others.append(Service("notification", settings, build(settings)))
            await others[-1].start()
        try:
            svc.set_clock(wit("2027-01-14", "06:00"))
            begun = asyncio.get_running_loop().time()

            async def all_gone() -> bool:
                return len(await office.rows()) >= 2 * PEOPLE

            await office.until(all_gone, office.messages)
            took = asyncio.get_running_loop().time() - begun
            await office.at_rest()
            rows = await office.rows()
        finally:
            for other in others:
                await other.stop()
        assert took >= 2 * PEOPLE / PER_MINUTE * 60 * 0.9
        assert max(Counter(row["reference"] for row in rows).values()) == 1
        assert len({row["reference"].split(":")[0] for row in rows}) == len(rows) == 2 * PEOPLE
