"""What can be said of a rule for all facts: can a node be yes or no, and does one imply another.

Every "cannot" and every "implies" is certain; a "can" may be too generous where one field is read
in separate branches. Nodes are taken with a sign: plain, or denied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from matchmaker.rules.domain import Domain, Literal
from matchmaker.rules.finding import FieldSpec
from matchmaker.rules.fitting import misfits
from matchmaker.rules.tree import AllOf, AnyOf, Leaf, Not, Rule, leaves, to_data

Specs: TypeAlias = Callable[[str], FieldSpec | None]


class Reasoner:
    """Answers about one rule and its nodes; leaves that do not fit their field stay open."""

    def __init__(self, rule: Rule, specs: Specs) -> None:
        """Build the domain of every field that the fitting leaves read.

        Args:
            rule: The rule; it must outlive the reasoner, which knows its nodes by identity.
            specs: The field catalogue.
        """
        self._domains: dict[int, Domain] = {}
        self._texts: dict[int, str] = {}
        self._implied: dict[tuple[int, bool, int, bool], bool] = {}
        read_by_field: dict[str, list[Leaf]] = {}
        for leaf in leaves(rule):
            read_by_field.setdefault(leaf.field, []).append(leaf)
        for field, read in read_by_field.items():
            spec = specs(field)
            if spec is not None:
                self._learn(spec, [leaf for leaf in read if not any(misfits(leaf, spec, ""))])

    def can_be_yes(self, rule: Rule) -> bool:
        """Whether some facts may answer yes; False is certain."""
        return self._can(rule, is_plain=True)

    def can_be_no(self, rule: Rule) -> bool:
        """Whether some facts may answer no; False is certain."""
        return self._can(rule, is_plain=False)

    def is_same(self, a: Rule, b: Rule) -> bool:
        """Whether two nodes are written alike."""
        return self._text(a) == self._text(b)

    def implies(self, a: Rule, b: Rule) -> bool:
        """Whether b never answers less than a (no < unknown < yes); True is certain."""
        return self._implies((a, True), (b, True))

    def _learn(self, spec: FieldSpec, read: list[Leaf]) -> None:
        domain = Domain.build(spec, read)
        if domain is not None:
            self._domains |= {id(leaf): domain for leaf in read}

    def _can(self, rule: Rule, *, is_plain: bool) -> bool:
        if isinstance(rule, Leaf):
            return self._is_consistent([(rule, is_plain)])
        if isinstance(rule, Not):
            return self._can(rule.part, is_plain=not is_plain)
        if isinstance(rule, AllOf) is not is_plain:
            return any(self._can(part, is_plain=is_plain) for part in rule.parts)
        return self._is_consistent(_literals((rule, is_plain))) and all(
            self._can(part, is_plain=is_plain) for part in rule.parts
        )

    def _is_consistent(self, literals: Iterable[Literal]) -> bool:
        by_domain: dict[Domain, list[Literal]] = {}
        for leaf, is_plain in literals:
            domain = self._domains.get(id(leaf))
            if domain is not None:
                by_domain.setdefault(domain, []).append((leaf, is_plain))
        return all(domain.can_hold(read) for domain, read in by_domain.items())

    def _text(self, rule: Rule) -> str:
        text = self._texts.get(id(rule))
        if text is None:
            text = self._texts[id(rule)] = json.dumps(to_data(rule), sort_keys=True)
        return text

    def _implies(self, a: Signed, b: Signed) -> bool:
        # Without the memory the two trees would be walked against each other over and over.
        key = (id(a[0]), a[1], id(b[0]), b[1])
        if key not in self._implied:
            self._implied[key] = self._works_out(a, b)
        return self._implied[key]

    def _works_out(self, a: Signed, b: Signed) -> bool:
        if a[1] == b[1] and self.is_same(a[0], b[0]):
            return True
        if isinstance(a[0], Not):
            return self._implies((a[0].part, not a[1]), b)
        if isinstance(b[0], Not):
            return self._implies(a, (b[0].part, not b[1]))
        return self._implies_in_parts(a, b)

    def _implies_in_parts(self, a: Signed, b: Signed) -> bool:
        if _is_every(b):
            return all(self._implies(a, part) for part in _signed_parts(b))
        if _is_some(a):
            return all(self._implies(part, b) for part in _signed_parts(a))
        return (
            any(self._implies(part, b) for part in _signed_parts(a))
            or any(self._implies(a, part) for part in _signed_parts(b))
            or self._leaf_implies(a, b)
        )

    def _leaf_implies(self, a: Signed, b: Signed) -> bool:
        (leaf, a_is_plain), (other, b_is_plain) = a, b
        if not isinstance(leaf, Leaf) or not isinstance(other, Leaf):
            return False
        domain = self._domains.get(id(leaf))
        if domain is None or domain is not self._domains.get(id(other)):
            return False
        return domain.implies((leaf, a_is_plain), (other, b_is_plain))


Signed: TypeAlias = tuple[Rule, bool]


def _is_every(node: Signed) -> bool:
    """Whether the node is the least of its parts, its sign driven inward."""
    rule, is_plain = node
    return isinstance(rule, AllOf if is_plain else AnyOf)


def _is_some(node: Signed) -> bool:
    rule, is_plain = node
    return isinstance(rule, AnyOf if is_plain else AllOf)


def _signed_parts(node: Signed) -> tuple[Signed, ...]:
    rule, is_plain = node
    return tuple((p, is_plain) for p in rule.parts) if isinstance(rule, AllOf | AnyOf) else ()


def _literals(node: Signed) -> Iterator[Literal]:
    """The leaves that must all hold when the node does; alternatives among several are left out."""
    rule, is_plain = node
    if isinstance(rule, Leaf):
        yield rule, is_plain
    elif isinstance(rule, Not):
        yield from _literals((rule.part, not is_plain))
    elif _is_every(node) or len(rule.parts) == 1:
        for part in _signed_parts(node):
            yield from _literals(part)
