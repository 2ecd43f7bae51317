"""Folders that come with the code: package data of a wheel, or folders of the source tree."""

from __future__ import annotations

from pathlib import Path

import matchmaker


class FolderMissing(Exception):
    """The installation lacks a folder that belongs to it; the message is one line that names it."""


def folder(name: str) -> Path:
    """The folder ``name`` of this installation.

    Raises:
        FolderMissing: it is neither beside the package nor in it.
    """
    package = Path(matchmaker.__file__).parent
    for place in (package / name, package.parents[1] / name):
        if place.is_dir():
            return place
    raise FolderMissing(f"the folder {name}/ is missing from this installation")
