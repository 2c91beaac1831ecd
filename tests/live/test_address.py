"""Which addresses are offered to an audience."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from gandash.live.address import Offer, is_loopback, network_addresses, offer, watch_link


def offered(seen: str | None, listens: str | None = None, public: str | None = None, base: str = "") -> Offer:
    return offer(public, seen, listens, 8501, base, networks=lambda: ["192.168.0.7", "10.0.0.2", "2001:db8::7"])


def test_a_public_address_counts_more_than_all_else() -> None:
    assert offered("http://localhost:8501", "127.0.0.1", "https://gans.example.org/g") == Offer(
        ("https://gans.example.org/g",)
    )


@pytest.mark.parametrize(
    ("seen", "base", "own"),
    [
        ("http://192.168.0.7:8501/", "", "http://192.168.0.7:8501"),
        ("https://gans.example.org/g", "/g/", "https://gans.example.org/g"),
        ("http://[2001:db8::7]:8501", "a/b", "http://[2001:db8::7]:8501/a/b"),
        ("http://lecture", "", "http://lecture"),
    ],
)
def test_what_the_browser_sees_is_good_for_others_too(seen: str, base: str, own: str) -> None:
    assert offered(seen, base=base) == Offer((own,))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "gans.localhost"])
@pytest.mark.parametrize("listens", [None, "::"])
def test_for_a_loopback_the_machines_own_addresses_are_offered(host: str, listens: str | None) -> None:
    assert offered(f"http://{host}:8502/g", listens, base="g") == Offer(
        ("http://192.168.0.7:8502/g", "http://10.0.0.2:8502/g", "http://[2001:db8::7]:8502/g")
    )


@pytest.mark.parametrize("listens", ["0.0.0.0", "127.0.0.1", "::1"])
def test_where_the_server_listens_to_ipv4_alone_or_will_nothing_else_is_offered(listens: str) -> None:
    addresses = ("http://192.168.0.7:8501", "http://10.0.0.2:8501")
    assert offered("http://localhost:8501", listens).addresses == addresses
    only = offer(None, "http://localhost:8501", listens, 8501, networks=lambda: ["2001:db8::7"])
    assert only.addresses == ("http://localhost:8501",) and "in no network now that the server" in only.warning


def test_a_browser_that_says_nothing_counts_as_one_on_this_machine() -> None:
    assert offered(None).addresses[0] == "http://192.168.0.7:8501"


def test_only_the_address_that_is_listened_on_is_offered() -> None:
    assert offered("http://localhost:8501", "10.0.0.2") == Offer(("http://10.0.0.2:8501",))


@pytest.mark.parametrize("listens", ["127.0.0.1", "localhost", "::1"])
def test_a_server_that_others_cannot_reach_says_so(listens: str) -> None:
    found = offered("http://localhost:8501", listens)
    assert found.addresses[0] == "http://192.168.0.7:8501"
    assert f"listens on {listens} alone" in found.warning and "--server.address 0.0.0.0" in found.warning


def test_without_a_network_the_link_is_for_this_machine() -> None:
    found = offer(None, "http://localhost:8501", None, 8501, networks=list)
    assert found.addresses == ("http://localhost:8501",) and "in no network" in found.warning


def test_a_machines_addresses_are_those_that_others_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    cards: dict[str, tuple[bool, list[str]]] = {
        "lo": (True, ["127.0.0.1", "::1"]),
        "eth0": (True, ["fe80::1%eth0", "fd00::7", "192.168.0.7", "aa:bb:cc:dd:ee:ff"]),
        "wlan0": (True, ["169.254.3.4", "10.0.0.2"]),
        "docker0": (False, ["172.17.0.1"]),
    }

    def about(up: bool) -> Any:
        return SimpleNamespace(isup=up)

    monkeypatch.setattr(psutil, "net_if_stats", lambda: {name: about(up) for name, (up, _) in cards.items()})
    monkeypatch.setattr(
        psutil,
        "net_if_addrs",
        lambda: {name: [SimpleNamespace(address=text) for text in texts] for name, (_, texts) in cards.items()},
    )
    assert network_addresses() == ["192.168.0.7", "10.0.0.2", "fd00::7"]


def test_the_link_names_the_run_as_one_part_of_the_path() -> None:
    assert watch_link("http://a:1/g", "0a1b") == "http://a:1/g/watch/0a1b"
    assert watch_link("http://a:1", "../x?y#z") == "http://a:1/watch/..%2Fx%3Fy%23z"


@pytest.mark.parametrize("host", ["192.168.0.7", "example.org", "", "localhost.example.org", "::2"])
def test_others_are_no_loopback(host: str) -> None:
    assert not is_loopback(host)
