"""CSV and its kin: encoding, separator, header and decimal comma are found out, then it is read in small blocks."""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gandash.core.problems import one_line
from gandash.core.rows import Rows
from gandash.core.tables.limits import GIVE
from gandash.core.tables.source import MOST_COLUMNS, PREVIEWED, Batch, Kind, Source, cell, different, finite

SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "spaces"}
LONGEST_LINE = 256 * 2**10
HEAD = 4 * LONGEST_LINE
"""Bytes that the form of the file is found out from."""
RECORDS = 400
"""Rows of them at most."""
CHUNK = 2**20
BLOCK = 4 * 2**20
CONTROLS = 0.02
"""The share of characters that no text has, from which on a file is none."""
MOSTLY = 0.8
"""The share of a column's values in the head that are numbers in a column of numbers, at least."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "inf", "-inf", "+inf", "#n/a"})
_SPACES = "'’ \u00a0\u202f"
_GROUPED = rf"(?:\d+|\d{{1,3}}(?:[%s{_SPACES}]\d{{3}})+)"
_NUMBER = r"^[+-]?(?:%s(?:%s\d*)?|%s\d+)(?:[eE][+-]?\d+)?$"
POINT = _NUMBER % (_GROUPED % ",", r"\.", r"\.")
"""A number with a decimal point, its thousands apart or not, for Python and for RE2."""
COMMA = _NUMBER % (_GROUPED % ".", ",", ",")
_POINT, _COMMA = re.compile(POINT, re.ASCII), re.compile(COMMA, re.ASCII)
_PLAIN = re.compile(r"[+-]?\d+,\d{1,2}|[+-]?\d+,\d{4,}|[+-]?0\d*,\d+", re.ASCII)
"""A number that can only be one with a decimal comma."""


@dataclass(frozen=True)
class Form:
    """How a text is written. `width` is the number of its columns, `skipped` that of lines before the table."""

    encoding: str
    separator: str
    width: int
    header: tuple[str, ...] | None
    skipped: int
    comma: bool
    quoted: bool


def open_(path: Path, called: str) -> Source:
    """The table in a text; raises `ValueError` in words."""
    encoding, seed = _scan(path, called)
    form, records = _form(path, called, encoding)
    names = different(form.header or [""] * form.width)
    kinds = tuple(_kind([record[place] for record in records], form.comma) for place in range(form.width))
    preview = tuple(tuple(map(cell, record)) for record in records[:PREVIEWED])

    def batches(places: Sequence[int]) -> Iterator[Batch]:
        return _batches(path, called, form, places)

    notices = ("Decimal commas are read as such.",) if form.comma else ()
    return Source(names, kinds, preview, batches, seed, notices)


def _scan(path: Path, called: str) -> tuple[str, int]:
    """The encoding, and a number that the content decides; one pass over all bytes."""
    with path.open("rb") as file:
        encoding = _guessed(file.read(4096), called)
    wide = encoding.startswith("utf-16")
    found = hashlib.blake2b(digest_size=16)
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            first = min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=len(chunk))
            line += first
            if line > LONGEST_LINE:
                raise ValueError(
                    f"{called} has a line of more than {LONGEST_LINE // 2**10} KB: it is no table with rows. {GIVE}"
                )
            if first < len(chunk):
                line = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            if not wide and b"\0" in chunk:
                raise ValueError(f"{called} holds bytes of zero, which no text has: it is damaged, or no table. {GIVE}")
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                if encoding != "utf-8":
                    raise ValueError(f"{called} begins as {encoding.upper()} and does not go on so. {GIVE}") from error
                encoding, decoder = "cp1252", codecs.getincrementaldecoder("latin-1")()
    return encoding, int.from_bytes(found.digest(), "big")


def _guessed(head: bytes, called: str) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            if encoding == "utf-32":
                raise ValueError(f"{called} is text in UTF-32. Save it as UTF-8.")
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.3 * len(head[1::2]) and not even:
        return "utf-16-le"
    if even > 0.3 * len(head[::2]) and not odd:
        return "utf-16-be"
    controls = sum(head.count(bytes((code,))) for code in (*range(9), *range(14, 32)))
    if controls > CONTROLS * len(head):
        raise ValueError(f"{called} is no text, nor a table that is known here. {GIVE}")
    return "utf-8"


def _form(path: Path, called: str, encoding: str) -> tuple[Form, list[list[str]]]:
    """The form, and the first rows, each as wide as the table."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    whole = path.stat().st_size <= len(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    lines = text.splitlines(keepends=True)
    if not whole:
        lines.pop()  # it may go on
    skipped = 0
    while skipped < len(lines) and _before(lines[skipped]):
        skipped += 1
    lines = lines[skipped:]
    if not lines:
        raise ValueError(f"{called} has no row. {GIVE}")
    tried = [found for separator in SEPARATORS if (found := _cut(lines, separator)) is not None]
    if not tried:
        raise ValueError(
            f"{called} has one column; a target takes two. Columns are told apart by commas, semicolons or tabs."
        )
    _, separator, records = max(tried, key=lambda each: each[0])  # the first of equals
    width = Counter(map(len, records)).most_common(1)[0][0]
    if width > MOST_COLUMNS:
        raise ValueError(f"{called} has {width:,} columns; at most {MOST_COLUMNS:,} are read: leave some out.")
    comma = separator != "," and _is_comma(records)
    comma = comma or (separator == "," and '"' in text and _is_comma(records))
    header: tuple[str, ...] | None = None
    if not any(_is_number(value, comma) for value in records[0]):
        first = records.pop(0)
        if len(first) == width - 1:  # as R writes it: the rows' own names have none
            first.insert(0, "row")
        header = tuple((first + [""] * width)[:width])
    records = [record for record in records if len(record) == width]
    return Form(encoding, separator, width, header, skipped, comma, '"' in text), records


def _before(line: str) -> bool:
    """Whether a line is none of the table, as long as nothing of it has come."""
    return not line.strip() or line.startswith("#") or line.lower().startswith("sep=")


def _cut(lines: Sequence[str], separator: str) -> tuple[tuple[float, float], str, list[list[str]]] | None:
    """How well a separator fits the lines, and the rows that it makes of them; None if it makes no two columns."""
    records: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # a value that does not end, say: reading all of it will tell
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=separator == " "):
            records += [row] if row else []
            if len(records) == RECORDS:
                break
    if not records:
        return None
    width, count = Counter(map(len, records)).most_common(1)[0]
    if width < 2:
        return None
    values = [value for record in records[1:] or records for value in record]
    numbers = sum(_is_number(value, False) or _is_number(value, True) for value in values)
    return (round(count / len(records), 1), round(numbers / max(len(values), 1), 2)), separator, records


def _is_number(value: str, comma: bool) -> bool:
    return bool((_COMMA if comma else _POINT).match(value.strip().replace("\u2212", "-")))


def _is_missing(value: str) -> bool:
    return value.strip().lower() in MISSING


def _is_comma(records: Sequence[Sequence[str]]) -> bool:
    """Whether numbers are written with a decimal comma: some can be nothing else, and more than say the contrary."""
    values = [value.strip() for record in records for value in record]
    commas = sum(bool(_PLAIN.fullmatch(value)) for value in values)
    points = sum(_is_number(value, False) and not _is_number(value, True) for value in values)
    return commas > points


def _kind(values: Sequence[str], comma: bool) -> Kind:
    """A column that is missing everywhere in the head may have numbers later on."""
    there = [value for value in values if not _is_missing(value)]
    return "number" if sum(_is_number(value, comma) for value in there) >= MOSTLY * len(there) else "text"


def _batches(path: Path, called: str, form: Form, places: Sequence[int]) -> Iterator[Batch]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    broken = 0

    def leave_out(row: Any) -> str:
        nonlocal broken
        broken += 1
        return "skip"

    names = [str(place) for place in range(form.width)]
    wanted = [str(place) for place in places]
    try:
        with path.open("rb") as file:
            reader = arrow.open_csv(
                file,
                arrow.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK,
                    skip_rows=form.skipped,
                    column_names=names,
                    skip_rows_after_names=form.header is not None,
                    encoding=form.encoding.removesuffix("-sig"),
                ),
                arrow.ParseOptions(
                    delimiter=form.separator, newlines_in_values=form.quoted, invalid_row_handler=leave_out
                ),
                arrow.ConvertOptions(
                    include_columns=wanted or names[:1],
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            for batch in reader:
                columns = tuple(numbers(batch.column(name), form.comma) for name in wanted)
                yield Batch(columns, broken, len(batch) + broken)
                broken = 0
            if broken:
                yield Batch(tuple(np.empty(0) for _ in wanted), broken, broken)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, UnicodeError) as error:
        raise ValueError(
            f"{called} cannot be read as a table whose columns are told apart by {SEPARATORS[form.separator]}: "
            f"{_words(error)}. {GIVE}"
        ) from error


def _words(error: Exception) -> str:
    text = str(error)
    if "straddling" in text:
        return "a quotation mark is opened and not closed for very long"
    return one_line(text[:160]).rstrip(".")


def numbers(texts: Any, comma: bool) -> Rows:
    """Texts (an Arrow array of them) as numbers ``(n,)``; NaN for what is none, or not finite."""
    import pyarrow as pa
    from pyarrow import compute as pc

    texts = pc.utf8_trim_whitespace(texts)
    if not comma:
        try:  # most columns need no more
            return finite(pc.cast(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts), pa.float64()))
        except pa.ArrowInvalid:
            pass
    texts = pc.replace_substring(texts, "\u2212", "-")
    texts = pc.if_else(pc.match_substring_regex(texts, COMMA if comma else POINT), texts, pa.scalar(None, pa.string()))
    texts = pc.replace_substring_regex(texts, rf"[{_SPACES}{'.' if comma else ','}]|^\+", "")
    if comma:
        texts = pc.replace_substring(texts, ",", ".")
    return finite(pc.cast(texts, pa.float64()))
