"""The set-up out of a file that somebody gives: a config or a history as JSON, or a generator as `.pt`.

The file may be anything. A `.pt` is a zip archive, of which one small text is read; nothing in it is unpacked to disk,
unpickled or run, and no torch is needed. What is read is bounded, so that no file takes longer than a moment.
"""

from __future__ import annotations

import difflib
import io
import json
import re
import zipfile
from typing import Any

from pydantic import ValidationError

from gandash.core.config import KNOBS, RunConfig, explain
from gandash.core.problems import one_line

MOST_BYTES = 64 * 2**20
"""No generator is larger, nor need more of any other file be read."""
MOST_TEXT = 256 * 2**10
"""Bytes of the longest config, and of the part of a history that is looked at."""
MOST_KNOBS = 200
"""Keys of the longest config, with room for versions to come."""
MOST_ENTRIES = 2000
"""Files inside a generator's archive; some hundred are usual."""

GIVE = "give a config or a history (.json) or a generator (.pt) that gandash saved"

_CONFIG = re.compile(r"(?!\.\.?/)[^/\\]+/extra/config\.json")
_HISTORY = re.compile(r'\s*\{\s*"config"\s*:\s*')
_ENTRY = b"PK\x01\x02"


def read_config(name: str, data: bytes) -> RunConfig:
    """The config in a file with these contents, or with the first `MOST_BYTES` and one more of them.

    Raises `ValueError` with one sentence that begins with `name`, which is how the reader calls the file.
    """
    try:
        document = _from_archive(data) if data.startswith(b"PK") else _from_text(data)
        return _checked(document)
    except ValueError as error:
        called = name if len(name) <= 100 else f"{name[:50]}…{name[-49:]}"
        raise ValueError(one_line(f"{called} {error}")) from error


def _from_archive(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 2**20} MB, which no generator of gandash is: {GIVE}.")
    if data.count(_ENTRY) > MOST_ENTRIES:  # reading the list of a million files takes seconds
        raise ValueError(f"is an archive of more files than a generator of gandash has: {GIVE}.")
    try:
        text = _text_of(data)
    except Exception as error:  # what zipfile raises for a damaged archive is not a closed list
        raise ValueError("is a damaged archive: save or download it once more.") from error
    if text is None:
        raise ValueError(f"is an archive without a set-up of gandash in it: {GIVE}.")
    return _from_text(text)


def _text_of(data: bytes) -> bytes | None:
    """The one config inside an archive, None if there is none or it is packed as gandash would not."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if _CONFIG.fullmatch(entry.filename)]
        if len(entries) != 1 or entries[0].file_size > MOST_TEXT:
            return None
        if entries[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without bounds
            return None
        return archive.read(entries[0])


def _from_text(data: bytes) -> dict[str, Any]:
    text = data[:MOST_TEXT].decode(json.detect_encoding(data[:4]), errors="replace")
    history = _HISTORY.match(text)
    if history is None and len(data) > MOST_TEXT:
        raise ValueError(f"is larger than {MOST_TEXT // 2**10} KB and does not begin like a history: {GIVE}.")
    try:
        document = json.JSONDecoder().raw_decode(text, history.end())[0] if history else json.loads(text)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{"):
            raise ValueError(f"holds no set-up of gandash: {GIVE}.") from error
        raise ValueError(f"is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise ValueError(f"holds no set-up of gandash: {GIVE}.") from error
    if isinstance(document, dict) and isinstance(document.get("config"), dict):
        document = document["config"]
    if not isinstance(document, dict) or len(document) > MOST_KNOBS:
        raise ValueError(f"holds no set-up of gandash, which is a JSON object of knobs: {GIVE}.")
    return document


def _checked(document: dict[str, Any]) -> RunConfig:
    if document and not any(difflib.get_close_matches(name[:100], [*KNOBS, "shape"], n=1) for name in document):
        raise ValueError(f"holds no set-up of gandash, as none of its keys is a knob: {GIVE}.")
    try:
        return RunConfig.model_validate(document)
    except ValidationError as error:
        first, *others = explain(error)
        more = f" ({len(others)} more of its knobs are wrong.)" if others else ""
        raise ValueError(f"is refused: {first}{more}") from error
