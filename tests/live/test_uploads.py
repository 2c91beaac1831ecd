"""Files of data as a server takes them."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from gandash.live import uploads
from gandash.runs import access, reading
from gandash.runs.incoming import Incoming, Quota
from tests.live.serving import serve
from tests.runs.conftest import until

ANNA, BEN = access.new_secret(), access.new_secret()
KEY = access.key_of(ANNA)


class FakeService:
    """In place of the run service: what a worker is asked is answered by the test."""

    def __init__(self, folder: Path) -> None:
        self.incoming = Incoming(folder, Quota(file=1000, each=2500, all=4000))
        self.answers: list[Any] = []
        self.asked: list[tuple[Any, ...]] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        self.asked.append((function, *args))
        future: Future[Any] = Future()
        answer = self.answers.pop(0)
        future.set_exception(answer) if isinstance(answer, Exception) else future.set_result(answer)
        return future


@pytest.fixture
def service(tmp_path: Path) -> FakeService:
    return FakeService(tmp_path / "data")


@pytest.fixture
def host(service: FakeService) -> Iterator[str]:
    with serve(Starlette(routes=uploads.routes("/gans", lambda: service))) as address:
        yield address


def ask(
    host: str, path: str, body: bytes = b"", *, method: str = "POST", secret: str | None = ANNA, **headers: str
) -> tuple[int, Any]:
    if secret:
        headers["Cookie"] = f"other=1; {access.COOKIE}={secret}"
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request(method, f"/gans/uploads{path}", body, headers)
        answer = connection.getresponse()
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, json.loads(answer.read())


def files(service: FakeService) -> list[Path]:
    return sorted(path for path in service.incoming.folder.rglob("*") if path.is_file())


def upload(host: str, body: bytes = b"x,y\n1,2\n") -> str:
    status, said = ask(host, "", body)
    assert status == 200, said
    return str(said["id"])


def test_a_file_is_its_owners_alone(host: str, service: FakeService) -> None:
    upload_id = upload(host, b"x,y\n1,2\n")
    (path,) = files(service)
    assert path.read_bytes() == b"x,y\n1,2\n" and path.name == upload_id
    assert service.incoming.find(KEY, upload_id) == path
    service.answers = [{"columns": []}]
    assert ask(host, f"/{upload_id}/read?name=..%2F%3Cimg%3E.csv") == (200, {"columns": []})
    assert service.asked == [(reading.read, str(path), "../<img>.csv")]
    for secret, status in ((BEN, 404), (None, 401), ("short", 401)):
        assert ask(host, f"/{upload_id}/read", secret=secret)[0] == status
        ask(host, f"/{upload_id}", method="DELETE", secret=secret)
        assert files(service) == [path]
    assert ask(host, f"/{upload_id}", method="DELETE") == (200, {}) and files(service) == []
    assert "choose it once more" in ask(host, f"/{upload_id}/read")[1]["error"]


def test_other_sites_can_send_nothing(host: str, service: FakeService) -> None:
    status, said = ask(host, "", b"1,2", Origin="https://evil.example")
    assert status == 403 and "own page" in said["error"]
    assert ask(host, "", b"1,2", Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("upload_id", ["..", "%2e%2e", "*", "0" * 32, "..%2f..%2fsettings", "a" * 400])
def test_what_is_no_id_is_gone(host: str, upload_id: str) -> None:
    upload(host)
    headers = {"Cookie": f"{access.COOKIE}={ANNA}"}
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request("POST", f"/gans/uploads/{upload_id}/read", b"", headers)
        assert connection.getresponse().status == 404


def test_a_large_file_is_refused_before_it_is_sent(host: str, service: FakeService) -> None:
    with socket.create_connection(host.split(":"), timeout=10) as raw:  # type: ignore[arg-type]
        raw.sendall(
            f"POST /gans/uploads HTTP/1.1\r\nHost: {host}\r\nCookie: {access.COOKIE}={ANNA}\r\n"
            "Content-Length: 300000000\r\n\r\n".encode()
        )
        answer = raw.makefile("rb").read().decode()  # it closes the connection
    assert answer.startswith("HTTP/1.1 413") and "The file has 300 MB; 0 MB is the most" in answer
    assert files(service) == []


def test_a_file_of_unknown_size_is_refused_when_it_becomes_too_large(host: str, service: FakeService) -> None:
    headers = {"Cookie": f"{access.COOKIE}={ANNA}", "Transfer-Encoding": "chunked"}
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request("POST", "/gans/uploads", iter([b"x" * 800, b"x" * 800]), headers, encode_chunked=True)
        assert connection.getresponse().status == 413 and files(service) == []


def test_what_is_broken_off_or_empty_leaves_nothing(host: str, service: FakeService) -> None:
    with socket.create_connection(host.split(":"), timeout=10) as raw:  # type: ignore[arg-type]
        raw.sendall(
            f"POST /gans/uploads HTTP/1.1\r\nHost: {host}\r\nCookie: {access.COOKIE}={ANNA}\r\n"
            "Content-Length: 900\r\n\r\nx,y\n".encode()
        )
        until(lambda: files(service))
        assert service.incoming.used(KEY) >= 900, "what is announced counts"
    until(lambda: not files(service))
    assert service.incoming.used() == 0
    status, said = ask(host, "", b"")
    assert status == 422 and "The file is empty" in said["error"] and files(service) == []


def test_a_choice_is_kept_by_a_worker_and_counted(host: str, service: FakeService) -> None:
    upload_id = upload(host)
    rows_hash = "ab" * 16
    (service.incoming.folder / f"{rows_hash}.npy").write_bytes(b"x" * 700)
    service.answers = [reading.Kept(rows_hash, "the target", ("3 left out",))]
    said = {"name": "<img>.csv", "x": "a", "y": "![x](http://b)", "logarithm": [False, True]}
    assert ask(host, f"/{upload_id}/use", json.dumps(said).encode()) == (
        200,
        {"target": "the target", "notices": ["3 left out"]},
    )
    function, path, folder, chosen = service.asked[0]
    assert function is reading.keep and Path(path).parent.name == KEY and folder == str(service.incoming.folder)
    assert chosen == reading.Choice("<img>.csv", "a", "![x](http://b)", (1,))
    assert service.incoming.used(KEY) == 708 and service.incoming.used(access.key_of(BEN)) == 0
    for body in (b"", b"[]", b"{}", b"[" * 50_000, b"x" * 30_000, json.dumps(said | {"x": 3}).encode()):
        status, told = ask(host, f"/{upload_id}/use", body)
        assert status in (400, 413, 422) and "no choice" in told["error"]


def test_what_a_worker_refuses_is_told_in_words(host: str, service: FakeService) -> None:
    upload_id = upload(host)
    service.answers = [ValueError("The file is a picture."), RuntimeError("/secret/path")]
    assert ask(host, f"/{upload_id}/read") == (422, {"error": "The file is a picture."})
    status, said = ask(host, f"/{upload_id}/read")
    assert status == 500 and "RuntimeError" in said["error"] and "secret" not in said["error"]


def test_without_a_service_it_says_so(tmp_path: Path) -> None:
    with serve(Starlette(routes=uploads.routes("/gans", lambda: None))) as host:
        assert ask(host, "", b"1")[0] == 503


def test_an_owner_has_a_quota_and_so_have_all(host: str, service: FakeService) -> None:
    first = upload(host, b"a" * 900)
    before = time.time() - 60
    os.utime(service.incoming.find(KEY, first), (before, before))
    upload(host, b"b" * 900)
    upload(host, b"c" * 900)
    assert ask(host, f"/{first}/read")[0] == 404
    assert len(files(service)) == 2, "one's own older files make room"
    for number in range(2):
        (service.incoming.folder / f"{number:032x}.npy").write_bytes(b"k" * 1000)
        service.incoming.kept(KEY, f"{number:032x}")
    status, said = ask(host, "", b"d" * 600)
    assert status == 413 and "delete runs of yours" in said["error"]
    assert len(files(service)) == 6, "nothing is removed for what does not fit anyway"
    (service.incoming.folder / f"{7:032x}.npy").write_bytes(b"k" * 1900)
    status, said = ask(host, "", b"d" * 200, secret=BEN)
    assert status == 507 and "no room left" in said["error"]
