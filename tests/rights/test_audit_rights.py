"""A service adds to its record, and the store itself refuses it to change what stands there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from deploy.basudara import agreements, store_users
from deploy.basudara.agreements import Site
from tests.rights import trying
from tests.rights.place import as_user

AGENCY, SERVICE = "bapas-ambon", "intake"
USER, OWN = f"{AGENCY}.{SERVICE}", f"{AGENCY}-{SERVICE}"
RECORD = f"{OWN}-audit"

CHANGES: dict[str, Callable[[Any], object]] = {
    "update": lambda blocks: blocks.update_one({"_id": 1}, {"$set": {"entries": []}}),
    "update many": lambda blocks: blocks.update_many({}, {"$set": {"entries": []}}),
    "replace": lambda blocks: blocks.replace_one({"_id": 1}, {"entries": []}),
    "upsert": lambda blocks: blocks.update_one({"_id": 9}, {"$set": {"entries": []}}, upsert=True),
    "find and modify": lambda blocks: blocks.find_one_and_update({"_id": 1}, {"$set": {"entries": []}}),
    "delete": lambda blocks: blocks.delete_one({"_id": 1}),
    "find and delete": lambda blocks: blocks.find_one_and_delete({"_id": 1}),
    "merge": lambda blocks: list(blocks.aggregate([{"$set": {"entries": []}}, {"$merge": {"into": blocks.name}}])),
    "out": lambda blocks: list(blocks.aggregate([{"$match": {"_id": 0}}, {"$out": blocks.name}])),
    "drop": lambda blocks: blocks.database.command({"drop": blocks.name}),
    "drop all": lambda blocks: blocks.database.command("dropDatabase"),
    "rename": lambda blocks: blocks.rename("other"),
    "convert": lambda blocks: blocks.database.command({"convertToCapped": blocks.name, "size": 4096}),
    "modify": lambda blocks: blocks.database.command({"collMod": blocks.name, "validator": {"none": 1}}),
    "drop an index": lambda blocks: blocks.drop_index("entries.refs_1"),
    "give itself more": lambda blocks: blocks.database.command(
        {"grantRolesToUser": USER, "roles": [{"role": "readWrite", "db": RECORD}]}
    ),
    "give its role more": lambda blocks: blocks.database.command(
        {"updateRole": store_users.ADDS, "privileges": [], "roles": [{"role": "readWrite", "db": RECORD}]}
    ),
}


@pytest.fixture
def blocks(site: Site) -> Iterator[Any]:
    """Its record as the service itself makes it, index and first block; the operator's view is `kept`."""
    with site.reach.store() as client:
        client[RECORD]["audit"].delete_many({})
    with as_user(site, USER, "mongo").store(OWN) as client:
        found = client[RECORD]["audit"]
        found.create_index("entries.refs")
        found.insert_one({"_id": 1, "entries": [{"refs": ["cas_1"]}]})
        yield found


def kept(site: Site) -> list[dict[str, Any]]:
    with site.reach.store() as client:
        return list(client[RECORD]["audit"].find(sort=[("_id", 1)]))


def test_the_service_reads_what_it_sealed_and_seals_the_next_with_what_it_tells_of(site: Site, blocks: Any) -> None:
    """In one transaction over both databases, as it seals."""
    own = blocks.database.client[OWN]["audit_open"]
    own.insert_one({"_id": "a"})
    with blocks.database.client.start_session() as session, session.start_transaction():
        blocks.insert_one({"_id": 2, "entries": [{}]}, session=session)
        own.delete_one({"_id": "a"}, session=session)
    assert [one["_id"] for one in blocks.find({}, sort=[("_id", -1)])] == [2, 1]
    assert own.count_documents({}) == 0


@pytest.mark.parametrize("name", CHANGES)
def test_the_store_refuses_the_service_to(name: str, site: Site, blocks: Any) -> None:
    before = kept(site)
    with pytest.raises(OperationFailure) as refused:
        CHANGES[name](blocks)
    assert refused.value.code == trying.NOT_ALLOWED
    assert kept(site) == before == [{"_id": 1, "entries": [{"refs": ["cas_1"]}]}]


def test_nobody_else_reads_or_adds(site: Site, blocks: Any) -> None:
    users = site.rights(site.agencies, site.agreements()).users
    others = [user for user in users if user.database is not None and user.name != USER]
    assert len(others) > 5
    for user in others:
        found = trying.databases(as_user(site, user.name, "mongo"), user.database, [RECORD])
        assert found == {RECORD: ""}, user.name


def test_what_was_given_beyond_is_told_and_taken_and_what_lacks_is_given(site: Site) -> None:
    """With the password as it was: a service that runs does not notice."""
    rights = site.rights([AGENCY], filter(agreements.is_open, site.agreements()))
    password = site.passwords.file(USER, "mongo").read_text()
    more = [{"resource": {"db": RECORD, "collection": "audit"}, "actions": ["update", "remove"]}]
    with site.reach.store() as client:
        client[OWN].command({"grantRolesToUser": USER, "roles": [{"role": "readWrite", "db": RECORD}]})
        client[RECORD].command({"grantPrivilegesToRole": store_users.ADDS, "privileges": more})
    assert list(rights.missing()) == []
    surplus = list(rights.surplus())
    assert [step.line for step in surplus] == [
        f"right taken {USER} readWrite on {RECORD}",
        f"right taken {USER} remove on {RECORD}.audit",
        f"right taken {USER} update on {RECORD}.audit",
    ]
    rights.do(surplus)
    with site.reach.store() as client:
        client[OWN].command({"revokeRolesFromUser": USER, "roles": [{"role": store_users.ADDS, "db": RECORD}]})
    assert list(rights.surplus()) == []
    missing = list(rights.missing())
    assert [step.line for step in missing] == [f"store right {USER} adds on {RECORD}"]
    rights.do(missing)
    assert list(rights.missing()) == list(rights.surplus()) == []
    assert site.passwords.file(USER, "mongo").read_text() == password


def test_with_the_user_his_role_goes_and_the_record_stays(site: Site, blocks: Any) -> None:
    rights = site.rights([AGENCY], filter(agreements.is_open, site.agreements()))
    rights.do(step for step in rights.removal() if step.line == f"store user removed {USER}")
    with site.reach.store() as client:
        assert client[RECORD].command({"rolesInfo": store_users.ADDS})["roles"] == []
    assert len(kept(site)) == 1
    rights.do(rights.missing())
    assert list(rights.missing()) == []
