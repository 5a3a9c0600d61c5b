"""Customers both ways, over real HTTP: a store, an ERP and Crossdock between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.delivery.store import DeadFilter
from crossdock.sandbox import customers as people
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.sandbox.store import Store
from crossdock.settings import Settings
from tests.databases import postgres_url, sqlite_url
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import settled, until

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
OWNERS = {"email": "store", "group": "erp", "vat_id": "erp", "middle_name": "ask"}
ADDRESS = {"first_name": "Ada", "last_name": "Byron", "street": ["Via Po 3"], "city": "Torino", "country": "IT"}


class World:
    def __init__(self, shop: StoreServer, erp: ErpServer, serving: Serving) -> None:
        self.shop, self.erp, self.serving, self.crossdock = shop, erp, serving, serving.crossdock
        self.http = httpx.Client(base_url=serving.url, headers={"Authorization": "Bearer t0ken"}, timeout=60)

    def push(self, number: str, **told: Any) -> httpx.Response:
        """Somebody edits it at the ERP, which tells of it."""
        self.erp.do(lambda erp: erp.people.edit(number, told))
        return self.http.post("/rest/V1/erp/customers", json={"number": number} | told)

    def state(self, number: str) -> dict[str, Any]:
        told: dict[str, Any] = self.http.get(f"/rest/V1/erp/customers/{number}").json()
        return told

    def edit(self, customer: int, **told: Any) -> None:
        """As somebody does it at the store."""
        self.shop.do(lambda store: people.save(store, store.customers[customer], told))

    def customer(self, number: int) -> dict[str, Any]:
        return dict(self.shop.do(lambda store: store.customers[number]))

    def account(self, email: str) -> dict[str, Any] | None:
        return self.shop.do(
            lambda store: next((dict(r) for r in store.customers.values() if r["email"] == email), None)
        )

    def known(self, number: str = "C-1") -> dict[str, Any]:
        return dict(self.erp.do(lambda erp: erp.people.kept.get(number, {})))

    def told(self, number: str) -> list[tuple[str, ...]]:
        """The fields of each write at the ERP about one of its customers."""
        return self.erp.do(lambda erp: [fields for one, _, fields in erp.people.told if one == number])

    def carried(self, number: int = 1) -> str:
        """The ERP's number of a customer of the store, once it is there and nothing is under way."""
        until(lambda: bool(self.number_of(number)) and settled(self.crossdock))
        return self.number_of(number)

    def number_of(self, customer: int) -> str:
        found = self.crossdock.store.standings("store", f"customer:{customer}")
        return found[0].external_id if found else ""

    def quiet(self) -> None:
        until(lambda: settled(self.crossdock))

    def writes(self) -> int:
        """Saves of customers at the store."""
        return self.shop.do(lambda store: sum("PUT /rest/all/V1/customers/" in one for one in store.requests))

    def dead(self) -> list[str]:
        return [f"{one.flow}: {one.reason}" for one in self.crossdock.store.dead(DeadFilter())]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


def with_customers(
    plain: Settings,
    database: str,
    options: dict[str, Any],
    reads: dict[str, Any] | None = None,
    route: dict[str, Any] | None = None,
    erp: dict[str, Any] | None = None,
    **store: Any,
) -> Settings:
    told = plain.model_dump(exclude_unset=True)
    told["database"] = {"url": database}
    token = plain.connections["erp"]["auth"]["token"]
    told["api"] = {"port": 0, "clients": {"sap": {"token": token, "connection": "erp"}}}
    told["connections"]["store"] |= {"settling_s": 0.3} | store
    told["connections"]["erp"] |= {
        "flows": ["orders", "customers"],
        "dedupes": False,
        "paths": {"find_customer": "/customers?key={key}"},
        "reads": reads or {},
        **(erp or {}),
    }
    rules = {"owners": OWNERS, "website": "base"} | options
    there = {"source": "store", "target": "erp", "flows": ["orders", "customers"]}
    back = {"source": "erp", "target": "store", "flows": ["customers"], "options": {"customers": rules}}
    told["routes"] = [there | {"options": {"eligibility": {"*": "always"}, "customers": rules, **(route or {})}}, back]
    return Settings.model_validate(told)


@contextmanager
def world_with(folder: Path, database: str, faults: Faults = NONE, **options: Any) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    store, ends = options.pop("store", {}), {name: options.pop(name, None) for name in ("reads", "route", "erp")}
    for number in (2, 3):  # whom the ERP has already
        known = {"email": f"customer{number}@example.com", "website": "base"}
        erp.do(lambda one, number=number, known=known: one.people.edit(f"X-{number}", known))  # type: ignore[misc]
    plain = configured(folder, shop, erp, **options.pop("polling", {}))
    settings = with_customers(plain, database, options, **ends, **store)
    serving = Serving(settings)
    serving.start()
    world = World(shop, erp, serving)
    try:
        yield world
    finally:
        world.http.close()
        serving.stop()
        shop.stop()
        erp.stop()


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with world_with(tmp_path, database) as found:
        yield found


def at(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def address_of(store: Store, customer: int, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = store.customers[customer]["addresses"][place]
    return found


# --- from the store to the ERP ---------------------------------------------------------------------------------------


def test_a_customer_of_the_store_is_told_whole_and_then_what_changes(world: World) -> None:
    number = world.carried(1)
    there = world.known(number)
    assert there["customer"]["last_name"] == "Rossi 1"
    assert there["customer"]["group"] == "General"
    assert there["addresses"]["m1"]["city"] == "Milano"
    assert (there["default_billing"], there["default_shipping"]) == ("m1", "m1")
    world.edit(1, lastname="Bianchi")
    until(lambda: world.known(number)["customer"]["last_name"] == "Bianchi")
    world.quiet()
    assert world.told(number)[-1] == ("last_name",), "only what has changed"
    assert world.writes() == 0, "nothing came back"


def test_an_edit_that_changes_nothing_for_us_makes_no_work(world: World) -> None:
    def looks() -> int:
        return world.shop.do(lambda store: sum("GET /rest/all/V1/customers/1" in one for one in store.requests))

    number = world.carried(1)
    before, looked = len(world.told(number)), looks()
    world.edit(1, created_in="Elsewhere")
    until(lambda: looks() > looked)
    world.quiet()
    assert len(world.told(number)) == before


def test_forth_and_back_is_told_twice(world: World) -> None:
    """The same content as before, after another: no key of before may swallow it."""
    number = world.carried(1)
    for name in ("Uno", "Due", "Uno", "Due"):
        world.edit(1, lastname=name)
        until(lambda name=name: world.known(number)["customer"]["last_name"] == name)  # type: ignore[misc]
        world.quiet()


# --- from the ERP to the store ---------------------------------------------------------------------------------------


def test_a_customer_of_the_erp_is_made_once_and_nothing_comes_back(world: World) -> None:
    told = {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "last_name": "Byron",
        "vat_id": "IT1",
        "group": "Wholesale",
    }
    answer = world.push("X-7", **told, addresses=[{"number": "A1"} | ADDRESS | {"default_billing": True}])
    assert answer.status_code == 202, answer.text
    until(lambda: world.account("ada@example.com") is not None)
    world.quiet()
    made = world.account("ada@example.com")
    assert made is not None
    assert (made["group_id"], made["taxvat"], made["website_id"]) == (2, "IT1", 1)
    assert made["addresses"][0]["city"] == "Torino"
    assert made["default_billing"] == str(made["addresses"][0]["id"])
    assert world.state("X-7")["state"] == "delivered"
    assert world.told("X-7") == [], "the ERP is told nothing of what it told itself"
    assert world.dead() == []
    again = world.push("X-7", **told, addresses=[{"number": "A1"} | ADDRESS | {"default_billing": True}])
    assert again.status_code == 200


def test_what_is_not_told_of_stays(world: World) -> None:
    """Neither the addresses nor the attributes nor the newsletter go by a change of one name."""
    world.edit(2, custom_attributes=[{"attribute_code": "club", "value": "gold"}], taxvat="IT9", dob="1980-01-02")
    number = world.carried(2)
    before = world.customer(2)
    world.push(number, first_name="Luigia")
    until(lambda: world.customer(2)["firstname"] == "Luigia")
    world.quiet()
    after = world.customer(2)
    moved = {name for name in after if after[name] != before.get(name)}
    assert moved <= {"firstname", "updated_at"}, moved
    assert world.customer(2)["custom_attributes"] == before["custom_attributes"]


def test_changed_and_changed_back_by_pushes_without_a_time_ends_at_the_last_word(world: World) -> None:
    number = world.carried(2)
    for name in ("Luigia", "Maria", "Luigia"):
        assert world.push(number, first_name=name).status_code == 202
        until(lambda name=name: world.customer(2)["firstname"] == name)  # type: ignore[misc]
        world.quiet()
    assert world.push(number, first_name="Luigia").status_code == 200, "the newest word, sent again"


def test_addresses_are_matched_made_changed_and_removed_each_by_itself(world: World) -> None:
    number = world.carried(1)
    world.push(number, addresses=[{"number": "A1"} | ADDRESS | {"default_shipping": True}])
    until(lambda: len(world.customer(1)["addresses"]) == 2)
    world.quiet()
    first, second = world.customer(1)["addresses"]
    assert (first["city"], second["city"]) == ("Milano", "Torino")
    assert (world.customer(1)["default_billing"], world.customer(1)["default_shipping"]) == ("1", str(second["id"]))
    world.push(number, addresses=[{"number": "A1"} | ADDRESS | {"city": "Roma", "region": "Roma"}])
    until(lambda: world.customer(1)["addresses"][1]["city"] == "Roma")
    world.quiet()
    assert [one["id"] for one in world.customer(1)["addresses"]] == [1, second["id"]], "it is the same address"
    assert world.customer(1)["addresses"][1]["region"] == {"region": "Roma", "region_code": "RM", "region_id": 930}
    world.push(number, addresses=[{"number": "A1", "removed": True}])
    until(lambda: len(world.customer(1)["addresses"]) == 1)
    world.quiet()
    assert world.customer(1)["addresses"][0]["city"] == "Milano"
    world.edit(1, addresses=[])
    until(lambda: world.known(number)["addresses"] == {})
    world.quiet()
    assert world.dead() == []


def test_an_address_that_both_have_is_not_made_twice(world: World) -> None:
    told = {"first_name": "Mario", "last_name": "Rossi 3", "street": ["Via Roma 1"], "city": "Milano", "country": "IT"}
    more = {"telephone": "123", "postcode": "20100", "region": "Milano"}
    world.push("X-3", email="customer3@example.com", addresses=[{"number": "HOME"} | told | more])
    until(lambda: world.number_of(3) == "X-3")
    world.quiet()
    assert len(world.customer(3)["addresses"]) == 1
    assert world.crossdock.store.standings("store", "customer:3")[0].agreement.places == {"HOME": "3"}


def test_it_is_found_by_the_erps_number_then_by_address_and_website(world: World) -> None:
    world.push("X-2", email="customer2@example.com", vat_id="IT2")
    until(lambda: world.customer(2).get("taxvat") == "IT2")
    world.quiet()
    world.edit(2, email="new.address@example.com")  # the number holds though the address is another now
    world.push("X-2", vat_id="IT22")
    until(lambda: world.customer(2).get("taxvat") == "IT22")
    world.push("X-99", email="new.address@example.com", vat_id="IT666")
    until(lambda: bool(world.dead()))
    assert "under another number" in world.dead()[0]
    assert world.customer(2)["taxvat"] == "IT22"


def test_too_little_to_make_one_waits_and_goes_with_what_comes_later(world: World) -> None:
    world.push("X-8", vat_id="IT8")
    until(lambda: world.crossdock.store.counts().get(("customer_pushes", "store", "pending")) == 1)
    world.push("X-8", email="late@example.com", first_name="Late", last_name="Comer")
    assert world.account("late@example.com") is None, "one word after the other"


def test_two_numbers_of_one_address_are_not_taken_for_one_person(world: World) -> None:
    both = {"email": "twin@example.com", "first_name": "T", "last_name": "Win"}
    for number in ("Y-1", "Y-2"):
        world.push(number, **both, vat_id=f"IT{number[-1]}")
    until(lambda: world.account("twin@example.com") is not None and bool(world.dead()))
    world.quiet()
    made = world.account("twin@example.com")
    assert made is not None
    linked = world.number_of(made["id"])
    assert made["taxvat"] == f"IT{linked[-1]}", "what was told of the other one is not mixed in"
    assert [line for line in world.dead() if "under another" in line] == world.dead()


def test_an_address_that_another_account_has_is_a_dead_letter(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, owners={"email": "newest"}) as world:
        number = world.carried(1)
        world.push(number, email="customer2@example.com")
        until(lambda: bool(world.dead()))
        assert "already exists in an associated website" in world.dead()[0]
        assert world.customer(1)["email"] == "customer1@example.com"


# --- whose word counts -----------------------------------------------------------------------------------------------


def test_the_owners_word_stands_whoever_was_last(world: World) -> None:
    number = world.carried(1)
    world.push(number, vat_id="IT1")
    until(lambda: world.customer(1).get("taxvat") == "IT1")
    world.quiet()
    world.edit(1, taxvat="IT666")  # the ERP's field
    until(lambda: world.customer(1).get("taxvat") == "IT1")
    world.push(number, email="thief@example.com")  # the store's field
    until(lambda: ("email",) in world.told(number))
    world.quiet()
    assert world.customer(1)["email"] == "customer1@example.com"
    assert world.known(number)["customer"]["vat_id"] == "IT1" if "vat_id" in world.known(number)["customer"] else True


def test_of_two_edits_the_newest_stands_on_both_sides(world: World) -> None:
    number = world.carried(1)
    world.push(number, as_of=at(-3600), last_name="Old")  # older than what stands: nobody's word
    world.quiet()
    assert world.customer(1)["lastname"] == "Rossi 1"
    world.crossdock.store.pause("store", "test", "test", datetime.now(UTC))
    world.edit(1, lastname="Store")
    world.push(number, as_of=at(30), last_name="Erp")
    world.crossdock.store.resume("store", "test", datetime.now(UTC))
    until(lambda: world.customer(1)["lastname"] == "Erp")
    world.quiet()
    assert world.customer(1)["lastname"] == "Erp"


def test_where_a_person_must_say_they_are_asked_without_a_value(world: World) -> None:
    from crossdock.model.agreement import Side

    number = world.carried(1)
    world.push(number, middle_name="Anna")
    until(lambda: world.customer(1).get("middlename") == "Anna")
    world.quiet()
    world.crossdock.store.pause("erp", "test", "test", datetime.now(UTC))  # a write under way would be there first
    world.edit(1, middlename="Bruna")
    world.push(number, middle_name="Clara")
    until(lambda: bool(world.dead()))
    world.crossdock.store.resume("erp", "test", datetime.now(UTC))
    world.quiet()
    assert world.known(number)["customer"]["middle_name"] == "Clara"
    assert "changed on both sides: middle_name" in world.dead()[0]
    assert not [word for word in ("Anna", "Bruna", "Clara") if word in str(world.dead())]
    assert world.customer(1)["middlename"] == "Bruna"
    now = datetime.now(UTC)
    assert world.crossdock.store.side_with("store", "customer:1", "erp", Side.TARGET, "test", now)
    world.edit(1, suffix="sr")
    until(lambda: world.customer(1)["middlename"] == "Clara")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_address_edit_that_moves_no_time_stamp_is_found_by_the_webhook_or_the_sweep(tmp_path: Path) -> None:
    unseen = Faults(bugs=Bugs(address_edits_unseen=True))
    with world_with(tmp_path, sqlite_url(tmp_path), unseen, polling={"overlap_s": 0}) as world:
        number = world.carried(1)
        world.shop.clock.shift(3)
        world.edit(2, suffix="sr")  # the watermark goes on
        until(lambda: world.known("X-2")["customer"].get("suffix") == "sr")
        row = world.customer(1)["addresses"][0] | {"city": "Roma"}
        world.edit(1, addresses=[row])
        world.crossdock.customer_pollers["store"].scan()
        world.quiet()
        assert world.known(number)["addresses"]["m1"]["city"] == "Milano", "polling cannot see it"
        sweeps = world.crossdock.store.open_subjects("store", "customer_looks", datetime.now(UTC), 10)
        assert "customer:1" in sweeps
        world.crossdock.customer_pollers["store"]._look_at(sweeps, datetime.now(UTC), "sweep")
        until(lambda: world.known(number)["addresses"]["m1"]["city"] == "Roma")


@pytest.mark.parametrize("number_of_edits", [12])
def test_lost_answers_on_both_sides_double_nothing(tmp_path: Path, database: str, number_of_edits: int) -> None:
    faults = Faults(classes={"write": {"reset_after": 0.3, "error_after": 0.2, "busy": 0.2}})
    with world_with(tmp_path, database, faults) as world:
        world.erp.set_faults(Faults(classes={"create": {"reset_after": 0.3, "error_after": 0.2, "busy": 0.2}}))
        for n in range(number_of_edits // 4):
            world.push(f"P-{n}", email=f"p{n}@example.com", first_name="P", last_name=str(n))
            world.edit(1 + n % 3, lastname=f"Rossi {n} x")
        until(lambda: all(world.account(f"p{n}@example.com") for n in range(number_of_edits // 4)))
        until(lambda: settled(world.crossdock), 60)
        emails = world.shop.do(lambda store: [row["email"] for row in store.customers.values()])
        assert len(emails) == len(set(emails))
        known = world.erp.do(lambda erp: [row["reference"] for row in erp.people.kept.values() if "reference" in row])
        assert len(known) == len(set(known))
        assert world.dead() == []


# --- guests and the wish to be forgotten ------------------------------------------------------------------------------


def test_a_guest_becomes_a_customer_of_the_erp_once(tmp_path: Path, database: str) -> None:
    with world_with(tmp_path, database, guests="customer") as world:
        numbers = world.shop.place(3, ["simple"])
        until(lambda: len(world.erp.do(lambda erp: erp.orders)) == 3 and settled(world.crossdock))
        told = world.erp.do(
            lambda erp: [row["email"] for number, row in erp.people.kept.items() if not row.get("reference")]
        )
        buyers = world.shop.do(lambda store: {store.orders[n]["customer_email"].lower() for n in numbers})
        assert sorted(told) == sorted(buyers)


def erased(world: World, act: Callable[[str], None]) -> None:
    number = world.carried(1)
    world.push(number, first_name="Maria")
    until(lambda: world.customer(1)["firstname"] == "Maria")
    world.quiet()
    act(number)
    store = world.crossdock.store
    assert store.is_erased("store", "customer:1")
    world.edit(1, lastname="Nobody")
    until(lambda: settled(world.crossdock))
    assert world.known(number).get("customer", {}).get("last_name") != "Nobody"
    assert store.audit_broken_at() is None


def test_an_erp_asks_to_forget_somebody_and_a_person_sees_to_it_at_the_store(world: World) -> None:
    def ask(number: str) -> None:
        for _ in range(2):  # idempotent
            answer = world.http.post(f"/rest/V1/erp/customers/{number}/erasure")
            assert answer.status_code == 202, answer.text
        waiting = world.crossdock.store.dead(DeadFilter(flow="erasures"))
        assert [(one.target, one.reference) for one in waiting] == [("store", number)]

    erased(world, ask)
    # the person lets it be carried out
    waiting = world.crossdock.store.dead(DeadFilter(flow="erasures"))
    world.crossdock.store.replay([one.id for one in waiting], "test", datetime.now(UTC))
    world.crossdock.wake()
    until(lambda: world.shop.do(lambda store: 1 not in store.customers))


def test_an_operators_erasure_is_carried_out_at_both_ends(tmp_path: Path, database: str) -> None:
    from crossdock.app import utc_now
    from crossdock.erasure import forget

    with world_with(tmp_path, database, erasure="send") as world:
        gone: list[str] = []

        def act(number: str) -> None:
            settings = world.crossdock.settings
            print_of = world.crossdock.store.fingerprint_of("customer1@example.com")
            done = forget(world.crossdock.store, settings, print_of, "test", utc_now())
            assert done.carried == ("erp", "store")
            assert "store:customer:1" in done.erased
            again = forget(world.crossdock.store, settings, print_of, "test", utc_now())
            assert again.erased == ()
            world.crossdock.wake()
            until(lambda: world.erp.do(lambda erp: number in erp.people.forgotten))
            until(lambda: world.shop.do(lambda store: 1 not in store.customers))
            world.shop.do(lambda store: store.customers.update(people.first_customers(store.stamp())))
            gone.append(number)

        erased(world, act)
        assert gone
