"""Where an audience finds this server: the addresses that a link for other machines may begin with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Offer:
    """Addresses of the dashboard, the likeliest first and never none; `warning` says what keeps others from them."""

    addresses: tuple[str, ...]
    warning: str = ""


def network_addresses() -> list[str]:
    """This machine's addresses in the networks that it is in now, IPv4 first; none that works on one link alone."""
    import psutil

    up = {name for name, about in psutil.net_if_stats().items() if about.isup}
    given = [each.address for name, all_of in psutil.net_if_addrs().items() if name in up for each in all_of]
    found = {text: ip for text in given if (ip := _ip(text)) is not None and _reaches(ip)}
    return sorted(found, key=lambda text: found[text].version)  # sorting keeps the order of each kind


def offer(
    public: str | None,
    seen: str | None,
    listens: str | None,
    port: int,
    base_path: str = "",
    networks: Callable[[], Sequence[str]] = network_addresses,
) -> Offer:
    """What to offer where the owner of the server named a `public` address, or else the browser has `seen` it.

    `seen` is the address in the owner's browser: good for others too, unless it is a loopback. Then it is the machine's
    own in its networks. `listens` is the host that the server was told to listen on (None for all; 0.0.0.0 is all of
    IPv4 and "::" both), and `base_path` the path that it serves under.
    """
    if public:
        return Offer((public,))
    address = urlsplit(seen or f"http://localhost:{port}")
    path = f"/{base_path.strip('/')}".rstrip("/")
    own = f"{address.scheme}://{address.netloc}{path}"
    host = address.hostname or ""
    if not (is_loopback(host) or _is_any(host)):
        return Offer((own,))
    warning = ""
    if not listens or _is_any(listens):
        found = [each for each in networks() if not listens or ":" in listens or ":" not in each]
    elif is_loopback(listens):
        found = [each for each in networks() if ":" not in each]
        warning = (
            f"This server listens on {listens} alone, so no other machine can open the link. To let others in, start "
            "it with --server.address 0.0.0.0."
        )
    else:
        found = [listens]
    if not found:
        return Offer(
            (own,), "This machine is in no network now that the server listens to, so the link works on it alone."
        )
    colon_port = f":{address.port}" if address.port else ""
    hosts = (f"[{host}]" if ":" in host else host for host in found)
    return Offer(tuple(f"{address.scheme}://{host}{colon_port}{path}" for host in hosts), warning)


def watch_link(address: str, run_id: str) -> str:
    """The link of a run's page for viewers, below an address of the dashboard."""
    return f"{address}/watch/{quote(run_id, safe='')}"


def is_loopback(host: str) -> bool:
    """Whether a host's name or number means the machine itself, whoever asks."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = _ip(host)
    return ip is not None and ip.is_loopback


def _is_any(host: str) -> bool:
    ip = _ip(host)
    return ip is not None and ip.is_unspecified


def _ip(text: str) -> IP | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None  # a name, or the number of a network card


def _reaches(ip: IP) -> bool:
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)
