"""A set-up out of a file: what gandash wrote is read, anything else ends in one sentence and at once."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gandash.core.config import RunConfig
from gandash.core.setup_file import MOST_BYTES, MOST_ENTRIES, MOST_TEXT, read_config
from gandash.core.trainer import Trainer
from gandash.headless import history_json

CONFIG = RunConfig(shape="line", points=64, batch_size=32, generator_widths=(8,), discriminator_widths=(8,), epochs=2)
MOST_SECONDS = 10.0  # ten times what is promised: a hang, not a busy machine
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    trainer = Trainer(CONFIG)
    trainer.advance(epochs=1)
    return trainer


@pytest.fixture(scope="module")
def generator(trainer: Trainer) -> bytes:
    buffer = io.BytesIO()
    trainer.export_torchscript(buffer)
    return buffer.getvalue()


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)
    return buffer.getvalue()


def refusal(data: bytes, name: str = "it") -> str:
    """What is said of these contents, in the time of this process that it may take."""
    start = process_time()
    with pytest.raises(ValueError, match=re.escape(name[:50])) as refused:
        read_config(name, data)
    assert process_time() - start < MOST_SECONDS
    said = str(refused.value)
    assert len(said) < 800 and "\n" not in said
    return said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_a_config_is_read(encoding: str) -> None:
    assert read_config("c.json", CONFIG.to_json().encode(encoding)) == CONFIG


def test_a_part_of_a_config_keeps_to_what_it_says() -> None:
    config = read_config("c.json", b'{"shape": "ring8", "seed": 3}')
    assert (config.shape, config.seed, "epochs" in config.model_fields_set) == ("ring8", 3, False)


def test_a_history_is_read(trainer: Trainer) -> None:
    history = history_json(trainer, "finished", "")
    assert read_config("h.json", history.encode()) == CONFIG
    shuffled = dict(reversed(json.loads(history).items()))
    assert read_config("h.json", json.dumps(shuffled).encode()) == CONFIG


def test_a_long_history_is_read_as_fast(trainer: Trainer) -> None:
    history = history_json(trainer, "finished", "")
    data = history.encode() + b" " * MOST_BYTES
    start = process_time()
    assert read_config("h.json", data) == CONFIG
    assert process_time() - start < MOST_SECONDS


def test_a_generator_is_read(generator: bytes) -> None:
    assert read_config("g.pt", generator) == CONFIG


TEXTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it holds no set-up of gandash: give a config or a history"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "holds no set-up"),
    "a pickle": (b"\x80\x02}q\x00.", "holds no set-up"),
    "broken JSON": (b'{"seed": 1,\n "shape" "line"}', "is not valid JSON: Expecting ':' delimiter .line 2, column 10"),
    "a list": (b"[1, 2]", "which is a JSON object of knobs"),
    "another program's": (b'{"name": "x", "version": "1", "scripts": {}}', "none of its keys is a knob"),
    "an unknown knob": (b'{"shap": "line"}', "is refused: There is no knob 'shap'. Did you mean shape?"),
    "wrong values": (b'{"dropout": 7, "seed": -1}', r"Dropout.*7 was given; it must be .* \(1 more of its knobs"),
    "not a number": (b'{"dropout": NaN}', "nan was given"),
    "a contradiction": (b'{"points": 16}', "larger than the data"),
    "brackets": (b"[" * MOST_TEXT, "holds no set-up"),
    "braces": (b'{"a":' * 40_000, "holds no set-up"),
    "digits": (b'{"seed": ' + b"9" * 10_000 + b"}", "holds no set-up"),
    "widths": (b'{"generator_widths": [' + b"[]," * 80_000 + b"1]}", "Generator widths"),
    "many keys": (json.dumps({f"shape{i}": 1 for i in range(10_000)}).encode(), "holds no set-up"),
    "a long history without a config": (b'{"config": [' + b"1," * MOST_TEXT, "is not valid JSON"),
    "zeros": (bytes(MOST_BYTES + 1), "is larger than 256 KB"),
}


@pytest.mark.parametrize(("data", "said"), TEXTS.values(), ids=TEXTS)
def test_another_file_is_refused_in_one_sentence(data: bytes, said: str) -> None:
    assert re.search(said, refusal(data))


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert len(refusal(b"", "n" * 5000)) < 300


INSIDE = "archive/extra/config.json"
SETUP = CONFIG.to_json().encode()
ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing inside": (archive, "without a set-up"),
    "a checkpoint": (lambda: archive(("archive/data.pkl", b"")), "without a set-up"),
    "a config at another place": (lambda: archive(("config.json", SETUP)), "without a set-up"),
    "a way out": (lambda: archive(("../extra/config.json", SETUP)), "without a set-up"),
    "a longer way out": (lambda: archive((f"../../{INSIDE}", SETUP)), "without a set-up"),
    "two configs": (lambda: archive((INSIDE, SETUP), ("b/extra/config.json", SETUP)), "without a set-up"),
    "a bomb": (lambda: bomb(), "without a set-up"),
    "a bomb of another kind": (lambda: archive((INSIDE, SETUP), method=zipfile.ZIP_BZIP2), "without a set-up"),
    "a lie about a bomb": (lambda: shrunk_bomb(), "damaged"),
    "many files": (lambda: archive(*((str(i), b"") for i in range(MOST_ENTRIES + 1))), "more files than"),
    "too large": (lambda: archive((INSIDE, SETUP)) + bytes(MOST_BYTES), "larger than 64 MB"),
    "no knobs": (lambda: archive((INSIDE, b"[]")), "which is a JSON object of knobs"),
    "wrong values": (lambda: archive((INSIDE, b'{"seed": -1}')), "Seed.*-1 was given"),
}


def bomb() -> bytes:
    return archive((INSIDE, bytes(100 * MOST_TEXT)), method=zipfile.ZIP_DEFLATED)


def shrunk_bomb() -> bytes:
    """A bomb that says it is small."""
    real, said = (100 * MOST_TEXT).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert bomb().count(real) == 2
    return bomb().replace(real, said)


@pytest.mark.parametrize(("make", "said"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_hostile_archive_is_refused(make: Callable[[], bytes], said: str) -> None:
    assert re.search(said, refusal(make()))


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=50)
def test_a_generator_cut_off_is_refused(generator: bytes, share: float) -> None:
    refusal(generator[: int(share * len(generator))])


@given(place=st.integers(0), byte=st.integers(0, 255))
@settings(max_examples=200)
def test_a_damaged_generator_is_read_right_or_refused(generator: bytes, place: int, byte: int) -> None:
    damaged = bytearray(generator)
    damaged[place % len(generator)] = byte
    try:
        config = read_config("g.pt", bytes(damaged))
    except ValueError:
        assert len(refusal(bytes(damaged))) < 300
    else:
        assert config == CONFIG


def test_reading_a_generator_loads_no_torch(tmp_path: Path, generator: bytes) -> None:
    path = tmp_path / "g.pt"
    path.write_bytes(generator)
    code = (
        "import sys\nfrom gandash.core.setup_file import read_config\n"
        "read_config('g.pt', open(sys.argv[1], 'rb').read())\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT).returncode == 0
