"""A trained model on disk: arrays and a manifest, no pickle.

A folder holds `weights.npz` and `manifest.json` (format number, SHA-256 of the arrays, what it was trained from). A
file that is truncated, swapped or of another format is refused; the arrays are loaded with pickle switched off.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 3
BUNDLED = Path(__file__).resolve().parent / "model"

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a model folder holds. `digest`: the first 12 hex digits of the arrays' SHA-256."""

    arrays: Arrays
    about: Mapping[str, Any]
    digest: str


def save(folder: Path, arrays: Arrays, about: Mapping[str, Any]) -> str:
    """Write a model to `folder` and return its digest. The same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(sorted(arrays.items())))
    data = buffer.getvalue()
    checksum = hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"format": FORMAT, "sha256": checksum, "bytes": len(data), **about}
    for name, content in (
        ("weights.npz", data),
        ("manifest.json", (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()),
    ):
        draft = folder / f"{name}.new"
        draft.write_bytes(content)
        draft.replace(folder / name)
    return checksum[:12]


def load(folder: Path) -> Stored:
    """Read the model of `folder`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged or of another format; the text names the file and the mend.
    """
    manifest_path, weights_path = folder / "manifest.json", folder / "weights.npz"
    mend = "run `longarm train`, or put the shipped model back"
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        expected, number = str(manifest["sha256"]), int(manifest["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{manifest_path}: not a model's manifest; {mend}") from error
    if number != FORMAT:
        raise ValueError(f"{manifest_path}: model format {number}, this version reads {FORMAT}; {mend}")
    data = weights_path.read_bytes()
    checksum = hashlib.sha256(data).hexdigest()
    if checksum != expected:
        raise ValueError(f"{weights_path}: its SHA-256 is not the manifest's (truncated or swapped); {mend}")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about = {key: value for key, value in manifest.items() if key not in ("sha256", "bytes")}
    return Stored(arrays=arrays, about=about, digest=checksum[:12])
