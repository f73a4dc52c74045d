"""The catalogue folder as the site uses it: read strictly, refused with file, member and rule."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from deploy.basudara.contracts import strict
from deploy.basudara.manifests import BadFile

_CODE = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
Code = Annotated[str, StringConstraints(pattern=rf"^{_CODE}$", max_length=60)]  # these reach the names of files
Kind = Annotated[str, StringConstraints(pattern=rf"^id\.basudara(\.{_CODE}){{3}}\.v[1-9][0-9]*$", max_length=160)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=120)]
Text = Annotated[str, StringConstraints(max_length=4000), BeforeValidator(lambda told: _one_line(told))]


def _one_line(told: object) -> object:
    return " ".join(told.split()) if isinstance(told, str) else told


class Part(BaseModel):
    """What the site uses of a part of the catalogue; the rest passes by."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Reference(Part):
    ref: str = Field(alias="$ref")

    @property
    def last(self) -> str:
        return self.ref.rsplit("/", 1)[-1]


class Member(Part):
    """A member of a payload or envelope, as its JSON Schema says it."""

    type: str | tuple[str, ...] = ()
    description: Text = ""
    properties: dict[str, "AMember"] = {}
    items: "AMember | None" = None
    alternatives: tuple["AMember", ...] = Field((), alias="oneOf")
    enum: tuple[Any, ...] = ()
    const: Any = None
    pattern: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    shortest: int | None = Field(None, alias="minLength")
    longest: int | None = Field(None, alias="maxLength")
    fewest: int | None = Field(None, alias="minItems")
    most: int | None = Field(None, alias="maxItems")
    required: tuple[str, ...] = ()


AMember = Annotated[Member, BeforeValidator(lambda given: {} if isinstance(given, bool) else given)]


class Move(Part):
    machine: str
    starts: tuple[str, ...] = Field(alias="from")
    ends: str = Field(alias="to")


class Change(Part):
    version: str
    what: Text


class MessageFacts(Part):
    """What only we say of a message; a catalogue may lack it."""

    meaning: Text = ""
    law: tuple[str, ...] = ()
    move: Move | None = None
    by: tuple[Code | Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")], ...] = ()
    history: tuple[Change, ...] = ()


class Message(Part):
    title: str
    summary: Text
    bindings: Any = None
    deprecated: bool = False
    facts: MessageFacts = Field(MessageFacts(), alias="x-basudara")


class ChannelFacts(Part):
    owner: Code | Literal["{service}"]
    data_class: Literal["S", "P", "K", "N"]
    readers: tuple[Literal["own", "reader", "parties"], ...]
    key: tuple[str, ...] = ()


class Kafka(Part):
    partitions: int = Field(ge=1)
    settings: dict[str, Any] = Field({}, alias="topicConfiguration")


class Bindings(Part):
    kafka: Kafka


class Channel(Part):
    address: str
    description: Text
    messages: dict[Kind, Reference] = {}
    bindings: Bindings
    facts: ChannelFacts = Field(alias="x-basudara")

    @property
    def retention_days(self) -> int | None:
        """None: the last record of a key stays."""
        kept = self.bindings.kafka.settings.get("retention.ms", -1)
        return None if not isinstance(kept, int) or kept < 0 else kept // 86_400_000


class OperationFacts(Part):
    service: Code
    group: Code | None = None
    origin: Literal["own", "to-me", "parties"] | None = Field(None, alias="from")


class Operation(Part):
    action: Literal["send", "receive"]
    channel: Reference
    summary: Text
    messages: tuple[Reference, ...]
    facts: OperationFacts = Field(alias="x-basudara")

    @property
    def channel_name(self) -> str:
        return self.channel.ref.removeprefix("#/channels/")

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(one.last for one in self.messages)


class Service(Part):
    meaning: Text = ""
    run_by: tuple[Code, ...] = ()


class OurFacts(Part):
    services: dict[Code, Service] = {}


class Info(Part):
    title: Text
    version: str
    description: Text = ""


class Parameter(Part):
    description: Text = ""


class Components(Part):
    parameters: dict[str, Parameter] = {}
    messages: dict[Kind, Message]
    schemas: dict[str, Member]


class Document(Part):
    info: Info
    channels: dict[Name, Channel]
    operations: dict[Name, Operation]
    components: Components
    facts: OurFacts = Field(OurFacts(), alias="x-basudara")


class Uses(Part):
    """Which members one service uses of one type."""

    kind: Kind = Field(alias="type")
    fields: dict[str, str]


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def read_text(file: Path) -> str:
    """Raises BadFile."""
    return _read(file, strict.text_of)


def read_yaml(file: Path) -> Any:
    """Raises BadFile."""
    return _read(file, strict.from_yaml)


def read_json(file: Path) -> Any:
    """Raises BadFile."""
    return _read(file, strict.from_json)


def _read(file: Path, read: Callable[[bytes], T]) -> T:
    try:
        return read(file.read_bytes())
    except OSError as error:
        raise BadFile(f"{file}: cannot be read: {error.strerror}") from None
    except strict.Broken as broken:
        first = broken.findings[0]
        raise BadFile(f"{file}: {first.pointer + ': ' if first.pointer else ''}{first.found}") from None


def valid(model: type[M], file: Path, told: Any) -> M:
    """Raises BadFile."""
    try:
        return model.model_validate(told)
    except ValidationError as error:
        row = error.errors(include_url=False, include_context=False)[0]
        where = "/" + "/".join(map(str, row["loc"]))
        raise BadFile(f"{file}: {where}: {row['msg'].removeprefix('Value error, ')}") from None


def followed(file: Path, document: Mapping[str, Any], part: object, where: str) -> Any:
    """The part itself, or what its reference inside the document points to. Raises BadFile."""
    for _ in range(8):
        if not isinstance(part, dict) or "$ref" not in part:
            return part
        reference, found = str(part["$ref"]), document
        for step in reference.removeprefix("#/").split("/"):
            if not isinstance(found, dict) or step not in found:
                raise BadFile(f"{file}: {where}: {reference} leads nowhere")
            found = found[step]
        part = found
    raise BadFile(f"{file}: {where}: references go round in a circle")
