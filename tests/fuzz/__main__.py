"""`make fuzz`: the whole stack, driven at every door and on every topic with what is good, bad and nonsense.

`python -m tests.fuzz --minutes 10 --seed 1`. The same seed draws the same requests and records, though not at the same
moments. Exit 0: no crash, no hang, no defect, every record accounted for, memory flat; 1: findings; 2: did not run.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from deploy.basudara.manifests import BadFile
from deploy.basudara.stack import ROOT, running_stack
from deploy.local.processes import CannotStart
from tests.fuzz.fuzzing import Fuzz, Fuzzed, Plan
from tests.fuzz.telling import as_json, lines
from tests.system.offices import WIRE
from tests.system.seeing import let_go


def fuzz(plan: Plan) -> Fuzzed:
    with running_stack(ROOT / ".local" / "fuzz", say=print) as stack:
        try:
            return asyncio.run(Fuzz(stack, plan).run())
        finally:
            WIRE.close()
            let_go(stack)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=float, default=20, help="put a second, over all topics")
    parser.add_argument("--requests", type=float, default=20, help="asked a second, over all services")
    parser.add_argument("--json", type=Path, help="write what was seen to this file, too")
    asked = parser.parse_args()
    plan = Plan(minutes=asked.minutes, seed=asked.seed, records=asked.records, requests=asked.requests)
    try:
        found = fuzz(plan)
    except (CannotStart, BadFile, RuntimeError) as error:
        print(f"could not run: {error}", file=sys.stderr)
        return 2
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(as_json(found), indent=1))
    print("\n".join(lines(found)), flush=True)
    return 1 if found.findings else 0


if __name__ == "__main__":
    sys.exit(main())
