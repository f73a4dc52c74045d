"""The register's promise: one register number and one SDP reference belong to one case."""

from dataclasses import dataclass, replace

from chassis.errors import Conflict


class AlreadyRegistered(Conflict):
    """Facts: `field`, `case_ref`; whether the content is the same is in `same_content`."""

    code, title = "already_registered", "Nomor sudah ada dalam register"

    def __init__(self, field: str, case_ref: str, same_content: bool) -> None:
        super().__init__(field=field, case_ref=case_ref)
        self.case_ref, self.same_content = case_ref, same_content


@dataclass(frozen=True, kw_only=True)
class RegisterEntry:
    """`id` and `content` are keyed fingerprints: the number itself is sealed with the person."""

    id: str
    version: int
    case_ref: str
    content: str  # of the registration as first made

    def refuse_twin(self, field: str, *, same_content: bool) -> AlreadyRegistered:
        return AlreadyRegistered(field, self.case_ref, same_content=same_content)


@dataclass(frozen=True, kw_only=True)
class PersonKey:
    """`id` is the own case_ref. The key of one person, wrapped by the agency's: without it nothing opens again."""

    id: str
    version: int
    wrapped: str

    def renew(self, wrapped: str) -> "PersonKey":
        return replace(self, version=self.version + 1, wrapped=wrapped)
