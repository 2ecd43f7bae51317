"""A block that was packed is the block that was coded, whatever its offerings say."""

from __future__ import annotations

from random import Random
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import pools
from tests.pools import Maker
from tests.property.test_turning import differing

from matchmaker.matching import packing, sayings
from matchmaker.matching.decoding import Decoded, SplitCard
from matchmaker.matching.packing import Coded, Unpacker, UnreadableBlock
from matchmaker.ranking.building import Builder
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.lines import DECLARED, Said, line_of
from matchmaker.rules import Span

seeds = st.integers(0, 10**6)
ENCODER = "this one"


def decoded(facts: OfferingFacts, number: int) -> Decoded:
    """``facts`` as a decoder gives them, of a version and with a card of its own."""
    card = SplitCard(f"{number}<".encode(), f">{number}".encode())
    return Decoded(UUID(int=number), UUID(int=number % 3), line_of(facts), card)  # type: ignore[arg-type]


def coded(seed: int, count: int = 12) -> Coded:
    facts = [Maker(seed + n).offering(f"o{n:02d}") for n in range(count)]
    return packing.coded([decoded(each, n) for n, each in enumerate(facts)])


def read_back(given_: Coded) -> Coded:
    body = packing.pack(given_)
    return Unpacker(ENCODER).unpack(packing.seal(ENCODER, body), body)


def index_of(*blocks: Coded) -> Index:
    builder = Builder(pools.VOCABULARY)
    for each in blocks:
        builder.join(each.block)
    return builder.index(pools.card().text)


@given(seeds)
def test_an_index_of_what_is_read_back_is_the_same_byte_for_byte(seed: int) -> None:
    first = coded(seed)
    second = read_back(first)

    assert differing(index_of(first), index_of(second)) == []
    assert (first.versions, first.providers, first.cards) == second[:2] + second[3:]


@given(seeds)
def test_some_of_a_block_are_those_alone(seed: int) -> None:
    draw, count = Random(seed), 12  # noqa: S311 - no secret
    chosen = sorted(draw.sample(range(count), draw.randrange(1, count)))
    facts = [Maker(seed + n).offering(f"o{n:02d}") for n in range(count)]
    some = read_back(coded(seed, count)).at(np.array(chosen, np.int64))
    alone = packing.coded([decoded(facts[n], n) for n in chosen])

    assert differing(index_of(some), index_of(alone)) == []
    assert (some.versions, some.providers, some.cards) == alone[:2] + alone[3:]


@given(seeds)
def test_parts_make_the_whole_in_whatever_order_they_come(seed: int) -> None:
    whole = coded(seed)
    odd, even = (read_back(whole.at(np.arange(start, 12, 2))) for start in (1, 0))

    assert differing(index_of(odd, even), index_of(whole)) == []


@pytest.mark.parametrize(
    "value",
    [True, False, 1, 1.0, 1.5, "", "c", "v\0w", frozenset("ab"), Span(1, 2), Span(0.5, 2)],
    # A set has no order: each process would write it otherwise.
    ids=range(11),
)
def test_a_fact_keeps_its_type(value: object) -> None:
    said = sayings.unpack(sayings.pack(Said(f"{DECLARED}x", value)))

    assert (said.name, repr(said.value)) == (f"{DECLARED}x", repr(value))


def test_numbers_keep_their_sign() -> None:
    given_ = coded(1)
    sums = np.array([-1, 2**62, *given_.block.prices.first_year[2:]], np.int64)
    prices = given_.block.prices._replace(first_year=sums)
    read = read_back(given_._replace(block=given_.block._replace(prices=prices)))

    assert read.block.prices.first_year.tolist() == sums.tolist()


def test_what_has_no_packed_form_is_told() -> None:
    with pytest.raises(OverflowError):
        sayings.pack(Said(f"{DECLARED}x", 2**64))


@given(seeds, st.data())
def test_no_changed_byte_is_taken(seed: int, data: st.DataObject) -> None:
    body = packing.pack(coded(seed, 3))
    seal = packing.seal(ENCODER, body)
    place = data.draw(st.integers(0, len(body) - 1))
    spoiled = bytearray(body)
    spoiled[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(UnreadableBlock):
        Unpacker(ENCODER).unpack(seal, bytes(spoiled))
    with pytest.raises(UnreadableBlock):
        Unpacker("another").unpack(seal, body)


def test_the_control_takes_a_changed_byte_without_a_seal() -> None:
    body = packing.pack(coded(1, 3))
    spoiled = body.replace(b"0<", b"9<")

    found = Unpacker(ENCODER).unpack(packing.seal(ENCODER, spoiled), spoiled)
    assert found.cards[0].before == b"9<"


def test_what_is_sealed_and_is_no_block_is_refused() -> None:
    for body in (b"", b"\x90", b"not msgpack"):
        with pytest.raises(UnreadableBlock):
            Unpacker(ENCODER).unpack(packing.seal(ENCODER, body), body)


def test_everything_that_shapes_a_block_is_in_its_encoders_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {packing.encoder_name(["a", "b"], "w")}
    names |= {packing.encoder_name(["b", "a"], "w"), packing.encoder_name(["a", "b"], "x")}
    for part, other in (("ENGINE", "0"), ("RULES", 0), ("FORMAT", 0)):
        with monkeypatch.context() as patched:
            patched.setattr(packing, part, other)
            names.add(packing.encoder_name(["a", "b"], "w"))
    assert len(names) == 6


def test_equal_sets_are_equal_bytes() -> None:
    # Sets are in no order of their own, and equal bytes are one saying.
    one, other = (frozenset(names) for names in ("abcdefgh", "hgfedcba"))

    assert sayings.pack(Said("x", one)) == sayings.pack(Said("x", other))
