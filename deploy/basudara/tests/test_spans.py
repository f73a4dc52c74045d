"""A trace read out of span files: in the order of a tree, whatever order and file its spans came in."""

import json
from pathlib import Path
from typing import Any

from deploy.basudara.spans import Placed, traces

TRACE, OTHER = "ab" * 16, "cd" * 16


def line(
    name: str, own: int, under: int | None, begun: int, trace: str = TRACE, service: str = "training", **more: str
) -> str:
    span: dict[str, Any] = {"traceId": trace, "spanId": f"{own:016x}", "name": name, "kind": 5, "status": {"code": 0}}
    span |= {"startTimeUnixNano": f"{begun}000000000", "endTimeUnixNano": f"{begun + 1}500000000"}
    span["attributes"] = [{"key": key.replace("_", "."), "value": {"stringValue": text}} for key, text in more.items()]
    if under is not None:
        span["parentSpanId"] = f"{under:016x}"
    of = {"service.namespace": "an-agency", "service.name": service}
    resource = {"attributes": [{"key": key, "value": {"stringValue": text}} for key, text in of.items()]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}) + "\n"


def shown(found: list[Placed]) -> list[tuple[int, str, float]]:
    return [(one.depth, one.span.name, one.after_seconds) for one in found]


def test_spans_of_many_files_are_one_tree_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(
        line("late", 4, 1, 30) + line("first", 1, None, 10) + line("x", 9, None, 1, OTHER)
    )
    (tmp_path / "a.jsonl").write_text(line("deep", 3, 2, 25) + line("early", 2, 1, 20))
    (found,) = traces(tmp_path, {TRACE})
    assert shown(found) == [(0, "first", 0), (1, "early", 10), (2, "deep", 15), (1, "late", 20)]
    assert {one.seconds for one in found} == {1.5}


def test_an_event_leads_to_its_whole_trace(tmp_path: Path) -> None:
    lines = [line("first", 1, None, 10), line("sent", 2, 1, 11, cloudevents_event_id="e-1")]
    lines[1] = lines[1].replace("cloudevents.event.id", "cloudevents.event_id")
    (tmp_path / "a.jsonl").write_text("".join(lines) + line("other", 3, None, 5, OTHER))
    (found,) = traces(tmp_path, {"e-1"})
    assert shown(found) == [(0, "first", 0), (1, "sent", 1)]
    assert traces(tmp_path, {"e-2"}) == []


def test_what_is_under_a_span_that_nobody_told_stands_first(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line("heard", 2, 7, 10) + line("answer", 3, 2, 12))
    (found,) = traces(tmp_path, {TRACE})
    assert shown(found) == [(0, "heard", 0), (1, "answer", 2)]


def test_a_row_that_was_sent_twice_is_shown_once_and_a_torn_line_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        line("sent", 2, None, 10) * 2 + line("x", 3, 2, 10)[:200] + "\n" + line("y", 4, 2, 1)[:-1]
    )
    (found,) = traces(tmp_path, {TRACE})
    assert shown(found) == [(0, "sent", 0)]


def test_an_outcome_is_status_or_fate_with_the_errors_code(tmp_path: Path) -> None:
    lines = [line("a", 1, None, 1, basudara_outcome="parked", error_type="conflict"), line("b", 2, None, 2)]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    (found,) = traces(tmp_path, {TRACE})
    assert [one.span.outcome for one in found] == ["parked conflict", "done"]
