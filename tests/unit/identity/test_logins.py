"""People: logging in and out over real HTTP, what a session may and when it ends."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from statistics import median

import httpx
import pytest
from sqlalchemy import text

from crossdock import log
from crossdock.identity.logins import LoginRules, Logins
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords
from crossdock.security.tokens import hash_of
from crossdock.security.users import KeptUser, fence, person_of
from tests.unit.identity.house import CHEAP, PASSWORD, STOCK, House, house_of
from tests.walk.world import until

RULES = LoginRules(tries=3, address_tries=8, lock=timedelta(minutes=15))
ORDER = ["/api/v1/look", "/api/v1/act", "/api/v1/approve", "/api/v1/manage"]


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with house_of(database, login=RULES, trusted=("127.0.0.1",)) as found:
        yield found


OPEN: list[httpx.Client] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Browser:
    """Keeps cookies, and reads the secret of each form."""

    def __init__(self, house: House, address: str = "192.0.2.1") -> None:
        headers = {"X-Forwarded-For": address}
        self.http = httpx.Client(base_url=house.url, headers=headers, timeout=30)
        OPEN.append(self.http)

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        shown = self.http.get("/console/login")
        found = re.search(r'name="csrf" value="([^"]+)"', shown.text)
        form = {"name": name, "password": password, "csrf": found[1] if found else ""} | more
        return self.http.post("/console/login", data=form)

    def csrf(self) -> str:
        found = re.search("<i>(.*)</i>", self.http.get("/console").text)
        return found[1] if found else ""

    def act(self, path: str = "/console/act") -> int:
        return self.http.post(path, headers={"X-CSRF-Token": self.csrf()}).status_code

    @property
    def session(self) -> str:
        return self.http.cookies.get("crossdock") or ""


def logged_in(house: House, name: str = "ada") -> Browser:
    browser = Browser(house)
    answer = browser.log_in(name)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console"), answer.text
    return browser


def test_from_the_login_to_the_logout(house: House) -> None:
    house.user("ada")
    browser = Browser(house)
    led = browser.http.get("/console")
    assert (led.status_code, led.headers["location"]) == (303, "/console/login")
    assert browser.http.get("/console", headers={"HX-Request": "true"}).headers["hx-redirect"] == "/console/login"
    browser = logged_in(house)
    assert "user:ada" in browser.http.get("/console").text
    assert browser.http.get("/api/v1/look").json() == {"actor": "user:ada"}
    old, csrf = browser.session, browser.csrf()
    left = browser.http.post("/console/logout", data={"csrf": csrf})
    assert (left.status_code, left.headers["location"], browser.session) == (303, "/console/login", "")
    assert httpx.get(house.url + "/api/v1/look", headers={"Cookie": f"crossdock={old}"}).status_code == 401


def test_the_cookie_is_for_our_server_alone(house: House) -> None:
    house.user("ada")
    rows = Browser(house).log_in("ada").headers.get_list("set-cookie")
    told = next(row for row in rows if row.startswith("crossdock="))
    assert "HttpOnly" in told
    assert "samesite=lax" in told.lower()
    assert "Path=/" in told


@pytest.mark.parametrize(
    ("role", "opened"), [(Role.VIEWER, 1), (Role.OPERATOR, 2), (Role.APPROVER, 3), (Role.ADMIN, 4)]
)
def test_each_role_may_what_the_one_below_may_and_one_thing_more(house: House, role: Role, opened: int) -> None:
    house.user("ada", role)
    browser = logged_in(house)
    found = [browser.http.get(ORDER[0]).status_code, *(browser.act(path) for path in ORDER[1:])]
    assert [one in {200, 201} for one in found] == [n < opened for n in range(4)]
    assert set(found[opened:]) <= {403}


def test_a_refused_page_is_a_page(house: House) -> None:
    house.user("ada", Role.VIEWER)
    browser = logged_in(house)
    shown = browser.http.post("/console/act", headers={"X-CSRF-Token": browser.csrf()})
    assert (shown.status_code, shown.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "this needs operate" in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert house.seen[-1] == "console 403"


def test_a_person_pushes_nothing(house: House) -> None:
    house.user("root", Role.ADMIN)
    browser = logged_in(house, "root")
    assert browser.http.post(STOCK, json={}).status_code == 401
    token = house.token("read")
    assert httpx.post(house.url + "/console/logout", headers={"Authorization": f"Bearer {token}"}).status_code == 403


def test_without_the_sessions_own_word_nothing_is_changed(house: House) -> None:
    house.user("ada")
    house.user("eve")
    browser, other = logged_in(house), logged_in(house, "eve")
    assert browser.http.post("/console/act").status_code == 403
    assert browser.http.post("/console/act", data={"csrf": other.csrf()}).status_code == 403
    assert browser.http.post("/console/act", headers=[(b"X-CSRF-Token", b"\xe9")]).status_code == 403
    assert browser.http.post("/api/v1/act", json={"csrf": browser.csrf()}).status_code == 403
    assert browser.http.post("/console/act", data={"csrf": browser.csrf()}).status_code in {200, 201}
    assert browser.act("/api/v1/act") in {200, 201}


def test_a_form_of_another_browser_logs_nobody_in(house: House) -> None:
    house.user("ada")
    for wrong in ("", "made up", Browser(house).http.get("/console/login").text[200:243]):
        browser = Browser(house)
        assert browser.log_in("ada", csrf=wrong).status_code == 403
        assert browser.session == ""


def test_a_login_gives_a_new_session_and_ends_the_old_one(house: House) -> None:
    house.user("ada")
    browser = logged_in(house)
    old = browser.session
    browser.log_in("ada")
    assert browser.session not in {"", old}
    assert httpx.get(house.url + "/api/v1/look", headers={"Cookie": f"crossdock={old}"}).status_code == 401
    given = "a-session-that-somebody-else-has-put-into-the-browser"
    other = Browser(house)
    other.http.cookies.set("crossdock", given, domain="127.0.0.1")
    other.log_in("ada")
    assert given not in [
        one.value for one in other.http.cookies.jar if one.name == "crossdock" and one.domain != "127.0.0.1"
    ]
    assert httpx.get(house.url + "/api/v1/look", headers={"Cookie": f"crossdock={given}"}).status_code == 401


def seen_at(house: House, browser: Browser) -> datetime | None:
    kept = house.store.users.session(hash_of(browser.session))
    return None if kept is None else kept.seen_at


def test_a_session_ends_unused_or_old(house: House) -> None:
    house.user("ada")
    browser = logged_in(house)
    for _ in range(12):
        house.later(minutes=58)
        assert browser.http.get("/api/v1/look").status_code == 200
        until(lambda: seen_at(house, browser) == house.now)
    house.later(minutes=25)
    assert browser.http.get("/api/v1/look").status_code == 401, "twelve hours"
    browser = logged_in(house)
    house.later(minutes=60)
    assert browser.http.get("/api/v1/look").status_code == 401, "an hour without a request"


def test_what_a_page_asks_by_itself_keeps_no_session_alive(house: House) -> None:
    house.user("ada")
    browser = logged_in(house)
    for _ in range(2):
        house.later(minutes=25)
        assert browser.http.get("/api/v1/look", headers={"X-Crossdock-Background": "1"}).status_code == 200
    house.later(minutes=10)
    assert browser.http.get("/api/v1/look").status_code == 401, "an hour without anybody"


def test_disabled_ended_changed(house: House) -> None:
    house.user("ada")
    house.user("bob")
    ada, bob = logged_in(house), logged_in(house, "bob")
    house.store.users.disable("ada", "cli:root", "left", house.now)
    assert ada.http.get("/api/v1/look").status_code == 401
    assert Browser(house).log_in("ada").status_code == 401
    house.store.users.enable("ada", "cli:root", "back", house.now)
    assert ada.http.get("/api/v1/look").status_code == 401, "the session is gone for good"
    assert Browser(house).log_in("ada").status_code == 303
    assert bob.act() in {200, 201}
    house.store.users.set_role("bob", Role.VIEWER, "cli:root", "less", house.now)
    assert bob.act() == 403
    house.store.users.set_password("bob", house.store.users.user("ada").password, "cli:root", house.now)  # type: ignore[union-attr]
    assert bob.http.get("/api/v1/look").status_code == 401


def test_a_person_changes_their_own_password(house: House) -> None:
    house.user("ada")
    logins = Logins(house.store.users, CHEAP, RULES, house.clock)
    browser = logged_in(house)
    kept = house.store.users.session(hash_of(browser.session))
    assert kept is not None
    ada = person_of(kept, browser.session)
    for wrong in ("not mine at all", ""):
        assert logins.change_password(ada, wrong, "another horse entirely", "192.0.2.1") == [
            "the old password is wrong"
        ]
    assert logins.change_password(ada, PASSWORD, "short", "192.0.2.7") == ["a password has 12 to 1024 characters"]
    assert browser.http.get("/api/v1/look").status_code == 200
    assert logins.change_password(ada, PASSWORD, "another horse entirely", "192.0.2.1") == []
    assert browser.http.get("/api/v1/look").status_code == 401, "every session was begun with the old one"
    assert [Browser(house).log_in("ada", one).status_code for one in (PASSWORD, "another horse entirely")] == [401, 303]
    assert [row["actor"] for row in house.trail() if row["operation_type"] == "user-password"] == ["user:ada"]


def test_a_password_cannot_be_guessed_by_changing_it(house: House) -> None:
    house.user("ada")
    logins = Logins(house.store.users, CHEAP, RULES, house.clock)
    browser = logged_in(house)
    kept = house.store.users.session(hash_of(browser.session))
    assert kept is not None
    ada = person_of(kept, browser.session)
    for _ in range(3):
        logins.change_password(ada, "a guess of mine", "another horse entirely", "192.0.2.1")
    assert logins.change_password(ada, PASSWORD, "another horse entirely", "192.0.2.1") != []


def test_whatever_is_wrong_the_answer_is_the_same(house: House) -> None:
    house.user("ada")
    house.user("gone")
    house.store.users.disable("gone", "cli:root", "left", house.now)

    def shown(name: str, password: str, address: str) -> str:
        answer = Browser(house, address).log_in(name, password)
        assert answer.status_code == 401
        return re.sub(r'value="[^"]+"', "", answer.text)

    found = {shown("ada", "wrong password", "192.0.2.1"), shown("nobody", PASSWORD, "192.0.2.2")}
    found |= {
        shown("gone", PASSWORD, "192.0.2.3"),
        shown("ada", "", "192.0.2.4"),
        shown("x" * 5000, "y" * 5000, "192.0.2.5"),
    }
    found |= {shown("ada", "wrong password", "192.0.2.6") for _ in range(4)}
    assert len(found) == 1


def test_a_name_is_locked_whether_it_is_somebodys_or_not(house: House) -> None:
    house.user("ada")
    for name in ("ada", "nobody"):
        for n in range(3):
            Browser(house, f"192.0.2.{n}").log_in(name, "wrong password")
        assert house.store.users.is_locked(fence("user", name, 3), house.now), name
    assert Browser(house, "192.0.2.9").log_in("ada").status_code == 401
    assert Browser(house, "192.0.2.9").log_in(" ADA ").status_code == 401, "however it is spelled"
    house.later(minutes=15)
    assert Browser(house, "192.0.2.9").log_in("ada").status_code == 303


def test_an_unlocked_name_may_at_once(house: House) -> None:
    house.user("ada")
    for _ in range(3):
        Browser(house).log_in("ada", "wrong password")
    assert house.store.users.unlock("ada", fence("user", "ada", 1), "cli:root", house.now)
    assert Browser(house).log_in("ada").status_code == 303


def test_an_address_is_locked_too_and_good_logins_do_not_count(house: House) -> None:
    house.user("ada")
    for _ in range(12):
        assert Browser(house, "192.0.2.1").log_in("ada").status_code == 303
    for n in range(8):
        Browser(house, "192.0.2.1").log_in(f"user{n}", "wrong password")
    assert Browser(house, "192.0.2.1").log_in("ada").status_code == 401
    assert Browser(house, "192.0.2.2").log_in("ada").status_code == 303


def test_a_good_login_lifts_no_lock_that_others_have_made(house: House) -> None:
    users, lock = house.store.users, timedelta(minutes=15)
    name, address = fence("user", "ada", 3), fence("address", "192.0.2.1", 2)
    assert users.begin_try([name, address], lock, house.now), "the good one, that is still being judged"
    assert users.begin_try([fence("user", "a", 3), address], lock, house.now)
    assert not users.begin_try([fence("user", "b", 3), address], lock, house.now)
    users.succeeded(name, address)
    assert users.begin_try([fence("user", "c", 3), address], lock, house.now), "one failure, one more to go"
    assert not users.begin_try([fence("user", "d", 3), address], lock, house.now)


def test_many_guesses_at_once_are_no_more_than_allowed(house: House) -> None:
    house.user("ada")

    class Counting(Passwords):
        looked = 0

        def holds(self, kept: str, password: str) -> bool:
            Counting.looked += 1
            return False

    logins = Logins(house.store.users, Counting(), RULES, house.clock)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: logins.log_in("ada", f"guess {n}", f"192.0.2.{n}"), range(24)))
    assert found == [None] * 24
    assert Counting.looked == 3


def test_it_takes_as_long_for_nobody_as_for_somebody(house: House) -> None:
    real = Passwords()
    made = KeptUser(id=0, name="ada", role=Role.VIEWER, password=real.hash(PASSWORD), created_at=house.now)
    house.store.users.add(made, "cli:root", house.now)
    logins = Logins(house.store.users, real, LoginRules(tries=1000, address_tries=1000), house.clock)
    logins.log_in("warm", "up up up up", "192.0.2.1")

    def took(name: str) -> float:
        """Work, not time: that goes by for other processes too."""
        begun = time.process_time()
        assert logins.log_in(name, "wrong password", "192.0.2.1") is None
        return time.process_time() - begun

    known, unknown = [], []
    for _ in range(9):
        known.append(took("ada"))
        unknown.append(took("nobody"))
    assert 0.5 < median(known) / median(unknown) < 2


def test_nothing_that_opens_anything_is_kept_or_said(house: House) -> None:
    written = io.StringIO()
    log.configure("info", stream=written)
    house.user("ada")
    browser = logged_in(house)
    csrf = browser.csrf()
    Browser(house).log_in("ada", "a wrong password")
    with house.store._engine.connect() as connection:
        kept = str(
            [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("users", "sessions", "login_tries")]
        )
    said = written.getvalue() + kept + str(house.trail())
    for secret in (PASSWORD, "a wrong password", browser.session, csrf):
        assert secret not in said
    assert "192.0.2.1" not in said
    assert "$argon2id$" in kept
    assert "$argon2id$" not in str(house.trail()) + written.getvalue()


def test_every_change_of_a_person_is_in_the_trail_with_who_did_it(house: House) -> None:
    house.user("ada")
    browser = logged_in(house)
    browser.http.post("/console/logout", data={"csrf": browser.csrf()})
    house.store.users.set_role("ada", Role.ADMIN, "user:root", "promoted", house.now)
    house.store.users.set_password("ada", "x", "cli:eve", house.now)
    house.store.users.disable("ada", "cli:bob", "left", house.now)
    house.store.users.enable("ada", "cli:bob", "back", house.now)
    assert not house.store.users.disable("nobody", "cli:bob", "who", house.now)
    assert [(row["operation_type"], row["entity_id"], row["actor"]) for row in house.trail()] == [
        ("user-create", "ada", "cli:ada"),
        ("login", "ada", "user:ada"),
        ("logout", "ada", "user:ada"),
        ("user-role", "ada", "user:root"),
        ("user-password", "ada", "cli:eve"),
        ("user-disable", "ada", "cli:bob"),
        ("user-enable", "ada", "cli:bob"),
    ]
