"""A model on disk: arrays and a manifest, found by the sha256 of the manifest; nothing is code."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matchmaker.ranking.steps import FULL
from matchmaker.ranking.tables import BINS, Sample, ScoreTables, hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.features import Feature

    Array = NDArray[np.int64 | np.float64]

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
ARRAYS: Final = ("effects", "references", "pairs", "rows", "predicted")
FILES: Final = (MANIFEST, *(f"{name}.npy" for name in ARRAYS))
"""Everything a model is kept in."""


class RefusedArtefact(ValueError):
    """The folder does not hold the model that was asked for, or not one that this release reads."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model as it is kept: its tables, its manifest, and the sha256 that names it."""

    tables: ScoreTables
    manifest: Mapping[str, Any]
    sha256: str


def schema_of(features: Sequence[Feature]) -> str:
    """The sha256 of what a model assumes of its features: their order, facts, signs and grid."""
    said = [[each.name, each.needs, each.reads, each.direction] for each in features]
    return digest(_json({"features": said, "steps": FULL, "bins": BINS}))


def save(
    folder: Path, tables: ScoreTables, schema: str, about: Mapping[str, Any], *, sample: Sample
) -> str:
    """Write ``tables`` into ``folder``, which must exist and be empty; the sha256 of its manifest.

    ``about`` says what JSON can of the model: data window, metrics, constants, library versions.
    ``sample`` is what the model predicted: whoever loads the tables holds them against it.
    """
    files = packed(tables, schema, about, sample)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return digest(files[MANIFEST])


def packed(
    tables: ScoreTables, schema: str, about: Mapping[str, Any], sample: Sample
) -> dict[str, bytes]:
    """The content of each of `FILES`, as `save` writes them."""
    arrays: dict[str, Array] = {
        **_arrays(tables),
        "rows": sample.rows,
        "predicted": sample.predicted,
    }
    files = {name: _npy(arrays[name]) for name in ARRAYS}
    manifest = _json(
        {
            "format": FORMAT,
            "name": tables.name,
            "schema": schema,
            "features": [*tables.effects],
            "pairs": [*tables.pairs],
            "arrays": {name: digest(content) for name, content in files.items()},
            "about": about,
        }
    )
    return {MANIFEST: manifest, **{f"{name}.npy": content for name, content in files.items()}}


def load(folder: Path, sha256: str, schema: str) -> Artefact:
    """The model in ``folder`` whose manifest has this ``sha256``.

    Raises:
        RefusedArtefact: a file is missing, or `opened` refuses what is there.
    """
    try:
        files = {name: (folder / name).read_bytes() for name in FILES}
    except OSError as error:
        raise RefusedArtefact(f"{folder.name}: {error}") from error
    return opened(files, sha256, schema)


def opened(files: Mapping[str, bytes], sha256: str, schema: str) -> Artefact:
    """The model in ``files`` whose manifest has this ``sha256``.

    Raises:
        RefusedArtefact: a file is missing or another one, its features are not those of
            ``schema``, or its tables do not give what the model predicted.
    """
    try:
        return _opened(files, sha256, schema)
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedArtefact(f"{sha256}: {error}") from error


def _opened(files: Mapping[str, bytes], sha256: str, schema: str) -> Artefact:
    content = files[MANIFEST]
    _hold("the manifest", content, sha256)
    manifest = json.loads(content)
    if manifest["format"] != FORMAT or manifest["schema"] != schema:
        raise RefusedArtefact("the model was made for other features")
    arrays = {name: _array(name, files[f"{name}.npy"], manifest["arrays"][name]) for name in ARRAYS}
    tables = _tables(manifest, arrays)
    hold(tables, Sample(arrays["rows"], arrays["predicted"]))
    return Artefact(tables, manifest, sha256)


def _array(name: str, content: bytes, sha256: str) -> Any:  # noqa: ANN401  (whole numbers or not)
    _hold(name, content, sha256)
    return np.load(io.BytesIO(content), allow_pickle=False)


def digest(content: bytes) -> str:
    """The sha256 of ``content`` in hex, by which files and models are named."""
    return hashlib.sha256(content).hexdigest()


def _hold(name: str, content: bytes, sha256: str) -> None:
    if digest(content) != sha256:
        raise RefusedArtefact(f"{name} is not the one that was kept")


def _arrays(tables: ScoreTables) -> dict[str, Int]:
    pairs = np.array([*tables.pairs.values()], np.int64).reshape(-1, BINS, BINS)
    return {
        "effects": np.array([*tables.effects.values()], np.int64),
        "references": np.array([tables.references[name] for name in tables.effects], np.int64),
        "pairs": pairs,
    }


def _tables(manifest: Mapping[str, Any], arrays: Mapping[str, Any]) -> ScoreTables:
    features: list[str] = manifest["features"]
    return ScoreTables(
        manifest["name"],
        dict(zip(features, arrays["effects"], strict=True)),
        dict(zip(features, arrays["references"].tolist(), strict=True)),
        {
            (first, second): grid
            for (first, second), grid in zip(manifest["pairs"], arrays["pairs"], strict=True)
        },
    )


def _npy(array: Array) -> bytes:
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    return held.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
