"""Many texts held in arrays that processes share, not as objects of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from matchmaker.ranking.columns import Codes


class Texts(Protocol):
    """A text for each offering or row."""

    def __getitem__(self, place: int, /) -> str: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, eq=False)
class FixedTexts:
    """ASCII texts of much the same length, one after the other."""

    texts: NDArray[np.bytes_]

    def __getitem__(self, place: int) -> str:
        found: bytes = self.texts[place]
        return found.decode()

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return (text.decode() for text in self.texts.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class CodedTexts:
    """Texts of which many are the same: ``names[code]``."""

    codes: Codes
    names: Sequence[str]

    def __getitem__(self, place: int) -> str:
        return self.names[int(self.codes[place])]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))
