"""Scripts and styles under names that change with their content: a browser asks for each once and keeps it for ever.

Whoever has a file registers it when imported; the registry is by name. In scripts, imports from each other such as
``from "./points.js"`` become imports of the hashed names, so a script's name changes with all that it imports too.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gandash.live.base import base_path

FOLDER = "/assets"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_IMPORT = re.compile(r"""(\b(?:from|import)\s*\(?\s*["'])\./([\w.-]+\.js)(["'])""")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".film": "application/octet-stream",
}

_EAGER = b"//# allFunctionsCalledOnLoad\n"

_files: dict[str, Path] = {}
_eager: set[str] = set()
_packing = threading.Lock()


@dataclass(frozen=True)
class Asset:
    """A file as it is served: its name with the hash of its content, and that content."""

    name: str
    content: bytes

    @cached_property
    def packed(self) -> bytes:
        """The content, compressed with gzip."""
        return compressed(self.content)


def compressed(content: bytes) -> bytes:
    """With gzip, and the same bytes every time."""
    return gzip.compress(content, 6, mtime=0)


def register(path: Path, name: str | None = None, *, eager: bool = False) -> None:
    """Serve a script or a style sheet, under its own name unless another is given.

    An `eager` script imports nothing, and the browser is told that all of it is needed: it compiles that beside the
    page's own thread.
    """
    name = name or path.name
    if eager:
        _eager.add(name)
    if _files.setdefault(name, path) != path:
        raise ValueError(f"There are two files of the name {name}: {_files[name]} and {path}.")


def asset_url(name: str) -> str:
    """Where a registered file is served on this server, such as "/assets/stream.2f0c….js"; raises `KeyError`."""
    return f"{base_path()}{FOLDER}/{asset(name).name}"


@cache
def asset(name: str) -> Asset:
    """A registered file as it is served; raises `KeyError`."""
    path = _files[name]
    content = path.read_bytes()
    if name in _eager:
        content = _EAGER + content
    elif path.suffix == ".js":
        content = _IMPORT.sub(_hashed_import, content.decode()).encode()
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    stem, dot, ending = name.rpartition(".")
    return Asset(f"{stem}.{digest}{dot}{ending}", content)


def _hashed_import(found: re.Match[str]) -> str:
    before, name, after = found.groups()
    return f"{before}./{asset(name).name}{after}" if name in _files else found[0]


def routes(base: str) -> list[Route]:
    """The route of all assets."""
    return [Route(f"{base}{FOLDER}/{{file}}", _serve)]


def _serve(request: Request) -> Response:
    """A file, compressed for all who take that; another version of it than the one there is, or none, is not found."""
    file = request.path_params["file"]
    stem, _, ending = file.rpartition(".")
    name = f"{stem.rpartition('.')[0]}.{ending}"
    if name not in _files or asset(name).name != file:
        return Response("There is no such file: load the page again.", 404, {"Cache-Control": "no-store"})
    found = asset(name)
    headers = {**_FOR_EVER, "Content-Type": TYPES[Path(name).suffix]}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.content, headers=headers)
    with _packing:
        packed = found.packed
    return Response(packed, headers={**headers, "Content-Encoding": "gzip"})
