"""The unified social credit code of GB 32100-2015: 18 characters, the last one for checking."""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_MODULUS: Final = len(ALPHABET)
_BODY_LENGTH: Final = 17
_SHAPE: Final = re.compile(f"[{ALPHABET}]{{{_BODY_LENGTH + 1}}}")
_WEIGHTS: Final = tuple(pow(3, place, _MODULUS) for place in range(_BODY_LENGTH))


def normalise(text: str) -> str:
    """The code in upper case without the blanks around and inside it."""
    return "".join(text.split()).upper()


def check_character(body: str) -> str:
    """The character that completes the first 17 (GB 32100-2015, weights 3^i mod 31).

    Raises:
        ValueError: ``body`` is not 17 characters of the alphabet.
    """
    if len(body) != _BODY_LENGTH:
        raise ValueError(f"{len(body)} characters instead of {_BODY_LENGTH}")
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[-total % _MODULUS]


def is_valid(code: str) -> bool:
    """Whether a normalised code has the right form and check character."""
    return _SHAPE.fullmatch(code) is not None and check_character(code[:-1]) == code[-1]
