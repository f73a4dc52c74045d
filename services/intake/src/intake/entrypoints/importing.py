"""The register by CSV file: every row its own unit of work, so that nothing is half taken in."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from chassis import ids
from chassis.errors import Refused
from chassis.http import Edge, edge, problems
from chassis.machine import NEW, choose
from intake.adapters.csv_table import CsvRow, read_table
from intake.application.registering import RegisterCase, register_case
from intake.domain.cases import MOVES
from intake.domain.checks import BadKlien, Finding
from intake.domain.register import AlreadyRegistered
from intake.entrypoints.bodies import RegisterBody
from intake.entrypoints.views import ImportedRowView, ImportView, findings

router = APIRouter(tags=["officers"])


class NotCsv(Refused):
    status, code, title = 415, "not_csv", "Kiriman harus berupa berkas CSV (text/csv)"


@router.post(
    "/cases/import",
    responses=problems(415),
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def import_cases(request: Request, here: Annotated[Edge, Depends(edge)]) -> ImportView:
    """A verdict for each row. The same file again changes nothing; after a 503 it is sent again."""
    choose(MOVES, "register", NEW, here.actor.role)
    if request.headers.get("content-type", "").split(";")[0].strip() != "text/csv":
        raise NotCsv()
    rows = read_table(await request.body(), here.settings.import_rows)
    return ImportView.of([await _import(row, here) for row in rows])


async def _import(row: CsvRow, here: Edge) -> ImportedRowView:
    if row.problems:
        return _refused(row, row.problems)
    try:
        body = RegisterBody.model_validate(row.body)
        command = RegisterCase(
            klien=body.klien(), in_custody=body.in_custody, role=here.actor.role, by=here.actor.subject, at=here.at
        )
        # its own correlation: persons of one file must not be joined by it
        cause = replace(here.cause, correlation_id=ids.event_id(), traceparent=ids.traceparent())
        case, warnings = await here.store.transact(partial(register_case, desk=here.tools), command, cause)
    except ValidationError as error:
        return _refused(row, _shape_findings(error))
    except BadKlien as error:
        return _refused(row, error.findings)
    except AlreadyRegistered as twin:
        if twin.same_content:
            return ImportedRowView(
                line=row.line, register_no=row.register_no, verdict="unchanged", case_ref=twin.case_ref
            )
        return _refused(row, (Finding(str(twin.facts["field"]), "already registered with other content"),))
    return ImportedRowView(
        line=row.line,
        register_no=row.register_no,
        verdict="registered",
        case_ref=case.id,
        warnings=findings(warnings),
    )


def _refused(row: CsvRow, problems_found: tuple[Finding, ...]) -> ImportedRowView:
    return ImportedRowView(
        line=row.line, register_no=row.register_no, verdict="refused", problems=findings(problems_found)
    )


def _shape_findings(error: ValidationError) -> tuple[Finding, ...]:
    """Place and rule of each fault; never the input."""
    rows = error.errors(include_input=False, include_url=False, include_context=False)
    return tuple(Finding(".".join(map(str, row["loc"]))[:100], row["msg"][:200]) for row in rows)
