"""Says what is wrong with a rule before it meets any facts.

Contradictions and dead branches are only named when they are certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.rules.finding import Finding, FindingCode, Severity
from matchmaker.rules.fitting import misfits
from matchmaker.rules.reasoning import Reasoner, Specs
from matchmaker.rules.tree import AllOf, AnyOf, Leaf, Not, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator


def lint(rule: Rule, specs: Specs, *, at: str = "") -> tuple[Finding, ...]:
    """The findings in a rule, a node before the nodes below it.

    All dead branches and duplicates can be removed together without changing an answer. A
    contradiction is an error when the whole rule must fail with it, else a warning.

    Args:
        rule: The rule.
        specs: What a field is; None for a field that does not exist.
        at: JSON pointer of the rule in its document.
    """
    return tuple(_Linter(rule, specs).node(rule, at, is_binding=True))


class _Linter:
    def __init__(self, rule: Rule, specs: Specs) -> None:
        self._specs = specs
        self._reasoner = Reasoner(rule, specs)

    def node(self, rule: Rule, at: str, *, is_binding: bool) -> Iterator[Finding]:
        yield from self._verdicts(rule, at, is_binding=is_binding)
        if isinstance(rule, Leaf):
            yield from misfits(rule, self._specs(rule.field), at)
            yield from _repeated_values(rule, f"{at}/value")
        elif isinstance(rule, Not):
            yield from self._not(rule, at)
        else:
            key = "all" if isinstance(rule, AllOf) else "any"
            yield from self._parts(rule, f"{at}/{key}", is_binding=is_binding)

    def _verdicts(self, rule: Rule, at: str, *, is_binding: bool) -> Iterator[Finding]:
        """Contradiction or always true, unless one part alone already says so of the whole."""
        reasoner = self._reasoner
        if not reasoner.can_be_yes(rule) and not (
            isinstance(rule, AllOf) and not all(map(reasoner.can_be_yes, rule.parts))
        ):
            severity = Severity.ERROR if is_binding else Severity.WARNING
            yield Finding(at, FindingCode.CONTRADICTION, severity)
        if not reasoner.can_be_no(rule) and not (
            isinstance(rule, AnyOf) and not all(map(reasoner.can_be_no, rule.parts))
        ):
            yield Finding(at, FindingCode.ALWAYS_TRUE, Severity.WARNING)

    def _not(self, rule: Not, at: str) -> Iterator[Finding]:
        part, below = rule.part, f"{at}/not"
        if isinstance(part, Not):
            yield Finding(at, FindingCode.DEAD_BRANCH, Severity.WARNING)
            # The second of the pair goes with the first: said of both, two findings would overlap.
            part, below = part.part, f"{below}/not"
        yield from self._below(part, below, is_binding=False)

    def _parts(self, rule: AllOf | AnyOf, at: str, *, is_binding: bool) -> Iterator[Finding]:
        removable = self._removable(rule)
        for place, part in enumerate(rule.parts):
            pointer = f"{at}/{place}"
            if place in removable:
                yield Finding(pointer, removable[place], Severity.WARNING)
            stays_binding = is_binding and isinstance(rule, AllOf)
            for finding in self._below(part, pointer, is_binding=stays_binding):
                is_said = finding.pointer == pointer and finding.code == removable.get(place)
                if not is_said:
                    yield finding

    def _below(self, part: Rule, at: str, *, is_binding: bool) -> Iterator[Finding]:
        if isinstance(part, AllOf | AnyOf) and len(part.parts) == 1:
            yield Finding(at, FindingCode.DEAD_BRANCH, Severity.WARNING)
        yield from self.node(part, at, is_binding=is_binding)

    def _removable(self, rule: AllOf | AnyOf) -> dict[int, FindingCode]:
        """The parts that others that stay make needless, judged from the last to the first."""
        gone: dict[int, FindingCode] = {}
        for place in reversed(range(len(rule.parts))):
            others = [p for p in range(len(rule.parts)) if p != place and p not in gone]
            code = self._needless(rule, place, others)
            if code is not None:
                gone[place] = code
        return gone

    def _needless(self, rule: AllOf | AnyOf, place: int, others: list[int]) -> FindingCode | None:
        part, reasoner = rule.parts[place], self._reasoner
        stronger_stays = isinstance(rule, AllOf)
        if any(reasoner.is_same(part, rule.parts[other]) for other in others):
            return FindingCode.DUPLICATE
        for other in others:
            rest = rule.parts[other]
            a, b = (rest, part) if stronger_stays else (part, rest)
            if reasoner.implies(a, b):
                return FindingCode.DEAD_BRANCH
        return None


def _repeated_values(leaf: Leaf, at: str) -> Iterator[Finding]:
    if not isinstance(leaf.value, tuple) or leaf.op.value == "between":
        return
    seen: set[tuple[type, object]] = set()
    for place, value in enumerate(leaf.value):
        key = (type(value), value)
        if key in seen:
            yield Finding(f"{at}/{place}", FindingCode.DUPLICATE, Severity.WARNING)
        seen.add(key)
