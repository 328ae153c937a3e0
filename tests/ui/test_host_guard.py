"""Hosts and origins that may use a private page."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fineparser.ui.host_guard import HOSTS_VARIABLE, HostGuard, known_names


def ask(host: str, origin: str | None = None, *, address: str = "127.0.0.1", names: tuple[str, ...] = ()) -> tuple:
    """Status and text of the answer to a request."""

    async def answer(request) -> PlainTextResponse:
        return PlainTextResponse("the page")

    guard = Middleware(HostGuard, address=address, names=names)
    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])], middleware=[guard])
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    response = TestClient(app).post("/", headers=headers)
    return response.status_code, response.text


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "localhost.:7860", "[::1]:7860", "127.8.9.1", "app.localhost:80"],
)
def test_names_of_this_machine_are_served(host):
    assert ask(host) == (200, "the page")
    assert ask(host, f"http://{host}") == (200, "the page")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example", "notlocalhost"),
        *("192.168.1.7", "0.0.0.0:7860", "[2001:db8::1]", "evil.example@127.0.0.1", "127.0.0.1@evil.example", ""),
        *("127.0.0.1:7860:80", "2130706433", "0x7f.1", socket.gethostname() + ".evil.example"),
    ],
)
def test_other_names_are_refused(host):
    """DNS rebinding: the page of another name, which leads here by now."""
    for origin in (None, f"http://{host}"):
        status, text = ask(host, origin)
        assert status == 403
        assert "not served under the name" in text
        assert HOSTS_VARIABLE in text


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://evil.example:7860", "null", "", "http://localhost:7861", "http://localhost"),
        *(
            "http://127.0.0.1:7860",
            "file://localhost:7860",
            "http://localhost:7860@evil.example",
            "http://[",
            "http://a:b",
        ),
    ],
)
def test_pages_of_other_origins_are_refused(origin):
    status, text = ask("localhost:7860", origin)
    assert status == 403
    assert "Requests from the page" in text


def test_the_default_port_may_be_left_out():
    assert ask("localhost", "http://localhost:80")[0] == 200
    assert ask("localhost:443", "https://localhost")[0] == 200


def test_the_address_served_is_known():
    assert ask("192.168.1.7:7860", address="192.168.1.7")[0] == 200
    assert ask("192.168.1.8:7860", address="192.168.1.7")[0] == 403
    assert ask("club-pc:7860", "http://club-pc:7860", address="club-pc")[0] == 200
    assert ask("[fe80::1]:7860", address="[fe80::1]")[0] == 200


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "[::]"])
def test_on_all_addresses_the_machine_is_known_by_address_and_name(address):
    for host in ("192.168.1.7:7860", "[2001:db8::1]:7860", "0.0.0.0:7860", socket.gethostname(), "localhost:7860"):
        assert ask(host, f"http://{host}", address=address)[0] == 200
    assert ask(f"{socket.gethostname()}.local", address=address)[0] == 200
    assert ask("evil.example", address=address)[0] == 403
    assert ask("192.168.1.7:7860", "https://evil.example", address=address)[0] == 403


def test_further_names_come_from_the_environment():
    names = known_names({HOSTS_VARIABLE: "https://dive.example/ , Club.example:8080  pool.example"})
    for name in ("dive.example", "club.example:9000", "POOL.example."):
        assert ask(name, f"https://{name}", names=names)[0] == 200
    # A proxy may ask under the address of the app.
    assert ask("127.0.0.1:7860", "https://dive.example", names=names)[0] == 200
    assert ask("www.dive.example", names=names)[0] == 403
    assert known_names({}) == ()


def test_a_long_name_is_not_repeated_whole():
    for status, text in (ask("e" * 5000), ask("localhost", "https://" + "e" * 5000)):
        assert status == 403
        assert "e" * 80 not in text


def test_a_request_without_one_host_is_refused():
    guard = HostGuard(None, "127.0.0.1")
    assert guard.problem(Headers(raw=[])) is not None
    assert guard.problem(Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")])) is not None
