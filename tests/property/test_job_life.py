"""The life of jobs against a model: who may take one, and who may still write to it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    initialize,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.stateful import Life, Transactions, live, live_once

from matchmaker.core import jobs
from matchmaker.core.clock import utc_now
from matchmaker.core.db import Session
from matchmaker.core.jobs import Backoff, Cron, Job, JobId
from matchmaker.core.jobs import queries as asking
from matchmaker.core.jobs.working import queries
from matchmaker.core.jobs.working.queries import Claimed

T = TypeVar("T")
DAY: Final = dt.timedelta(1)
BACKOFF: Final = Backoff(base=DAY.total_seconds(), cap=2 * DAY.total_seconds())
OVER: Final = {"done", "failed", "cancelled"}
LAPSED: Final = 2
"""A job whose worker vanished so often runs alone."""
LONGEST: Final = 4 * DAY
"""After so long every lease has lapsed, and every pause between attempts is over."""
AGE: Final = 2 * DAY
"""What has been over for longer is removed."""

MOST: Final = 6
"""Jobs that are not over, by which a life has enough of them."""

kinds = st.sampled_from([("x",), ("x", "y"), ("x", "y")])
leases = st.sampled_from([DAY, 3 * DAY])


@dataclass
class Modelled:
    """What a job should be; times are those of the database, moved back as days pass."""

    kind: str
    queue: str
    key: str | None
    max_attempts: int
    run_at: dt.datetime
    state: str = "queued"
    attempt: int = 0
    lapses: int = 0
    revision: int = 1
    leased_until: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    is_to_be_dropped: bool = False
    progress: int | None = None
    taken: Claimed | None = None
    """As the worker that has it, or had it last, knows it."""

    @property
    def is_equalled(self) -> bool:
        """Whether another of its kind and key is taken for it."""
        return self.key is not None and self.state == "queued" and self.attempt == 0

    def end(self, state: str) -> None:
        self.state = state
        self.leased_until = None
        self.finished_at = utc_now() if state in OVER else None


class JobLife(Life):
    """Those who ask for jobs, workers that take them, some of which vanish, and the clock."""

    known = Bundle("known")
    held = Bundle("held")
    """What workers believe to have, also long after they lost it."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[JobId, Modelled] = {}
        self.limits: dict[str, int] = {}
        self.prefix = uuid4().hex
        self.cron_at: dt.datetime | None = None

    @initialize(target=known, key=st.sampled_from([None, "k"]), most=st.integers(1, 3))
    def begin(self, key: str | None, most: int) -> JobId:
        """What other lives left would be due in this one."""

        async def remove(session: Session) -> None:
            await session.execute(text("delete from mm.job"))

        self.run(remove)
        return self.asked(
            Job(kind=self.name("x"), queue=self.name("a"), key=key, max_attempts=most)
        )

    def name(self, short: str) -> str:
        """Kinds, queues and clocks are this life's own."""
        return f"{short}-{self.prefix}"

    @precondition(lambda self: not self.is_full)
    @rule(
        target=known,
        kind=st.sampled_from(["x", "x", "y"]),
        queue=st.sampled_from(["a", "a", "b"]),
        key=st.sampled_from([None, None, "k"]),
        delay=st.sampled_from([0, 0, 1, 2]),
        most=st.integers(1, 3),
    )
    def ask(self, kind: str, queue: str, key: str | None, delay: int, most: int) -> JobId:
        return self.asked(
            Job(
                kind=self.name(kind),
                queue=self.name(queue),
                key=key,
                max_attempts=most,
                delay=delay * DAY,
            )
        )

    def asked(self, job: Job) -> JobId:
        before = utc_now()
        id_ = self.run(lambda session: jobs.enqueue(session, job))
        run_at = self.run_at(id_)
        equal = [
            known_id
            for known_id, now in self.model.items()
            if now.is_equalled and (now.kind, now.key) == (job.kind, job.key)
        ]
        if equal:
            assert [id_] == equal
            now = self.model[id_]
            # The earlier of the two times counts.
            asked_at = before + job.delay
            assert run_at == now.run_at or (near(run_at, asked_at) and asked_at < now.run_at)
            assert run_at <= now.run_at
            now.run_at = run_at
            self.met["taken for another"] += 1
        else:
            assert id_ not in self.model
            assert near(run_at, before + job.delay)
            self.model[id_] = Modelled(job.kind, job.queue, job.key, job.max_attempts, run_at)
            self.met["asked"] += 1
        self.agrees()
        return id_

    @rule(
        target=held,
        of=kinds,
        most=st.integers(1, 3),
        lease=leases,
        alone=st.sampled_from([False, False, False, True]),
    )
    def claim(
        self, of: tuple[str, ...], most: int, lease: dt.timedelta, *, alone: bool
    ) -> MultipleResults[Claimed]:
        return multiple(*self.claimed(of, most, lease, alone=alone))

    @rule(target=held, lease=leases, queue=st.sampled_from(["a", "b"]), most=st.integers(1, 2))
    def take_up(self, lease: dt.timedelta, queue: str, most: int) -> MultipleResults[Claimed]:
        """Somebody works: a job is there to be had, if its queue has room."""
        if not self.is_full:
            name = self.name(queue)
            self.asked(Job(kind=self.name("x"), queue=name, max_attempts=most))
        return multiple(*self.claimed(("x", "y"), 2, lease))

    @property
    def is_full(self) -> bool:
        """Whether there is enough to do."""
        return sum(now.state not in OVER for now in self.model.values()) >= MOST

    def claimed(
        self, of: tuple[str, ...], most: int, lease: dt.timedelta, *, alone: bool = False
    ) -> list[Claimed]:
        names = [self.name(kind) for kind in of]
        expected = self.due(names, most, alone=alone)
        found = self.working(
            lambda c: queries.claim(c, names, most=most, lease=lease, worker="w", alone=alone)
        )
        assert {job.id for job in found} == set(expected)
        for job in found:
            now = self.model[job.id]
            now.state = "running"
            now.attempt += 1
            now.revision += 1
            now.leased_until = utc_now() + lease
            now.taken = job
            assert (job.attempt, job.kind, job.queue) == (now.attempt, now.kind, now.queue)
        self.met["claimed" if found else "nothing due"] += 1
        self.agrees()
        return found

    def due(self, names: Iterable[str], most: int, *, alone: bool) -> list[JobId]:
        """The first ``most`` that may be taken, as far as their queues have room."""
        ready = sorted(
            (now.run_at, id_)
            for id_, now in self.model.items()
            if now.state == "queued"
            and now.run_at <= utc_now()
            and now.kind in names
            and (now.lapses >= LAPSED) is alone
        )
        running = Counter(now.queue for now in self.model.values() if now.state == "running")
        room = {queue: limit - running[queue] for queue, limit in self.limits.items()}
        chosen: list[JobId] = []
        for _, id_ in ready:
            queue = self.model[id_].queue
            if room.get(queue, 1) > 0 and len(chosen) < most:
                chosen.append(id_)
                if queue in room:
                    room[queue] -= 1
        return chosen

    @rule(
        nth=st.integers(0, 3), how=st.sampled_from(["complete", "complete", "fail", "keep", "drop"])
    )
    def go_on(self, nth: int, how: str) -> None:
        """A worker that still has its job: by chance most have lost it."""
        running = [now.taken for now in self.model.values() if now.state == "running"]
        if not running:
            return
        job = running[nth % len(running)]
        assert job is not None
        self.write(job, how)

    @rule(
        target=held, nth=st.integers(0, 3), how=st.sampled_from(["complete", "fail", "keep", None])
    )
    def be_overtaken(self, nth: int, how: str | None) -> MultipleResults[Claimed]:
        """A worker was away for so long that another has its job; it comes back, or does not."""
        running = [now.taken for now in self.model.values() if now.state == "running"]
        if not running:
            return multiple()
        job = running[nth % len(running)]
        assert job is not None
        self.time_passes(LONGEST.days)
        self.reap()
        self.time_passes(LONGEST.days)
        is_suspect = self.model[job.id].lapses >= LAPSED
        found = self.claimed(("x", "y"), MOST, DAY, alone=is_suspect)
        if self.model[job.id].attempt > job.attempt:
            self.met["overtaken"] += 1
        if how is not None:
            self.write(job, how)
        return multiple(*found)

    def write(self, job: Claimed, how: str) -> None:
        match how:
            case "complete":
                self.complete(job)
            case "fail":
                self.fail(job, final=False)
            case "drop":
                self.cancel(job.id)
            case _:
                self.keep(job, DAY, 1)

    @rule(job=held)
    def complete(self, job: Claimed) -> None:
        """The effect and the completion, of a worker that may have lost the job."""
        now = self.holding(job)
        may = now is not None and not now.is_to_be_dropped
        done = self.run(lambda session: queries.complete(session, job, {"n": 1}))
        assert done is may
        self.met["completed" if done else "not completed"] += 1
        if now is not None and done:
            now.end("done")
            now.revision += 1
        self.agrees()

    @rule(job=held, final=st.sampled_from([False, False, True]))
    def fail(self, job: Claimed, *, final: bool) -> None:
        now = self.holding(job)
        settled = self.working(lambda c: queries.fail(c, job, "why", BACKOFF, final=final))
        if now is None:
            assert settled is None
            self.met["not failed"] += 1
        else:
            self.ended_or_again(job.id, now, final=final)
            assert settled == (job.id, now.kind, now.state)
        self.agrees()

    def ended_or_again(self, id_: JobId, now: Modelled, *, final: bool = False) -> None:
        """What becomes of a job whose attempt came to nothing."""
        if now.is_to_be_dropped:
            now.end("cancelled")
        elif final or now.attempt >= now.max_attempts:
            now.end("failed")
        else:
            now.end("queued")
        pause = min(BACKOFF.cap, BACKOFF.base * 2 ** (now.attempt - 1)) * dt.timedelta(seconds=1)
        waits = self.run_at(id_) - utc_now()
        assert pause * 0.49 < waits < pause * 1.51
        self.without_chance(id_, pause)
        now.run_at = self.run_at(id_)
        now.revision += 1
        self.met[f"then {now.state}"] += 1

    def without_chance(self, id_: JobId, pause: dt.timedelta) -> None:
        """The pause was drawn by the database; a life that is lived again has to go as before."""

        async def settle(session: Session) -> None:
            await session.execute(text(SETTLED), {"id": id_, "pause": 0.9 * pause})

        self.run(settle)

    @rule(job=held)
    def release(self, job: Claimed) -> None:
        """A worker that stops gives it back; the attempt is not held against it."""
        now = self.holding(job)
        self.working(lambda c: queries.release(c, job))
        if now is not None:
            now.end("cancelled" if now.is_to_be_dropped else "queued")
            now.max_attempts += 1
            now.run_at = self.run_at(job.id)
            assert near(now.run_at, utc_now())
            now.revision += 1
            self.met["released"] += 1
        self.agrees()

    @rule(job=held, lease=leases, done=st.none() | st.integers(1, 9))
    def keep(self, job: Claimed, lease: dt.timedelta, done: int | None) -> None:
        """A worker tells that it is at it, or how far it is."""
        now = self.holding(job)
        if done is None:
            kept = self.working(lambda c: queries.renew(c, [(job.id, job.attempt)], lease))
            found = kept[0] if kept else None
        else:
            said = {"done": done}
            found = self.working(lambda c: queries.progress(c, job, said, lease))
        if now is None:
            assert found is None
            self.met["not kept"] += 1
        else:
            assert found == (job.id, now.is_to_be_dropped)
            now.leased_until = utc_now() + lease
            if done is not None:
                now.progress = done
                now.revision += 1
            self.met["kept"] += 1
        self.agrees()

    @rule(id_=known)
    def cancel(self, id_: JobId) -> None:
        now = self.model.get(id_)
        found = self.run(lambda session: jobs.cancel(session, id_))
        if now is None or now.state in OVER:
            assert found is None
            self.met["over before"] += 1
        else:
            now.is_to_be_dropped = True
            if now.state == "queued":
                now.end("cancelled")
            now.revision += 1
            assert found == now.state
            self.met[f"cancel: {now.state}"] += 1
        self.agrees()

    @rule(id_=known, attempts=st.integers(1, 2))
    def retry(self, id_: JobId, attempts: int) -> None:
        now = self.model.get(id_)
        is_over = now is not None and now.state in {"failed", "cancelled"}
        is_equalled = (
            now is not None
            and now.attempt == 0
            and any(
                other.is_equalled and (other.kind, other.key) == (now.kind, now.key)
                for other in self.model.values()
            )
        )
        done = self.run(lambda session: jobs.retry(session, id_, attempts=attempts))
        assert done is (is_over and not is_equalled)
        self.met["retried" if done else "not retried"] += 1
        if now is not None and done:
            now.end("queued")
            now.max_attempts = now.attempt + attempts
            now.lapses = 0
            now.is_to_be_dropped = False
            now.run_at = self.run_at(id_)
            assert near(now.run_at, utc_now())
            now.revision += 1
        self.agrees()

    @rule(
        what=st.sampled_from(["time", "reap", "reap", "fire", "fire", "limit", "prune", "prune"]),
        number=st.integers(1, 3),
    )
    def around(self, what: str, number: int) -> None:
        """What happens to all jobs at once."""
        match what:
            case "time":
                self.time_passes(number)
            case "reap":
                # The workers have vanished: nobody kept what they had.
                self.time_passes(number)
                self.reap()
            case "fire":
                self.fire()
                self.time_passes(number - 1)
                self.fire()
            case "limit":
                self.limit(number - 1)
            case _:
                self.time_passes(number + 1)
                self.prune()

    def reap(self) -> None:
        """What vanished workers had is taken back."""
        lapsed = [
            (id_, now)
            for id_, now in self.model.items()
            if now.leased_until is not None and now.leased_until < utc_now()
        ]
        found = self.working(lambda c: queries.reap(c, BACKOFF))
        for id_, now in lapsed:
            now.lapses += 1
            self.ended_or_again(id_, now)
            self.met["reaped"] += 1
        assert set(found) == {(id_, now.kind, now.state) for id_, now in lapsed}
        self.agrees()

    def limit(self, running: int) -> None:
        name = self.name("a")
        self.run(lambda session: jobs.limit(session, name, running))
        self.limits[name] = running

    def prune(self) -> None:
        """What is long over is removed; dead letters stay."""
        old = [
            id_
            for id_, now in self.model.items()
            if now.state in {"done", "cancelled"}
            and now.finished_at is not None
            and now.finished_at < utc_now() - AGE
        ]
        assert self.run(lambda session: asking.prune(session, AGE)) == len(old)
        for id_ in old:
            del self.model[id_]
            self.met["pruned"] += 1
        self.agrees()

    def fire(self) -> None:
        """The clock is set, or adds what is due by it; what is late is made up for once."""
        name, kind = self.name("clock"), self.name("y")
        if self.cron_at is None:
            cron = Cron(name=name, kind=kind, every=DAY, queue=self.name("b"))
            self.run(lambda session: jobs.schedule(session, cron))
            self.cron_at = utc_now() + DAY
        is_due = self.cron_at <= utc_now()
        fired = self.working(lambda c: queries.fire(c, [kind]))
        assert [job.key for job in fired] == [f"cron {name}"] * is_due
        while self.cron_at <= utc_now():
            self.cron_at += DAY
        for job in fired:
            self.asked(job)
            self.met["fired"] += 1

    def time_passes(self, days: int) -> None:
        """The clock of jobs is the database's: they grow older instead."""
        passed = days * DAY

        async def work(session: Session) -> None:
            for statement in AGEING:
                await session.execute(text(statement), {"days": days})

        self.run(work)
        for now in self.model.values():
            now.run_at -= passed
            now.leased_until = now.leased_until and now.leased_until - passed
            now.finished_at = now.finished_at and now.finished_at - passed
        self.cron_at = self.cron_at and self.cron_at - passed

    def holding(self, job: Claimed) -> Modelled | None:
        """The job, if the worker that took it so is still the one that has it."""
        now = self.model.get(job.id)
        if now is None or now.state != "running" or now.attempt != job.attempt:
            return None
        return now

    def working(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def whole(session: Session) -> T:
            return await work(await session.connection())

        return self.run(whole)

    def run_at(self, id_: JobId) -> dt.datetime:
        ((found,),) = self.run.rows("select run_at from mm.job where id = $1", id_)
        assert isinstance(found, dt.datetime)
        return found

    def agrees(self) -> None:
        stored = {row[0]: row[1:] for row in self.run.rows(SELECT)}
        assert stored.keys() == self.model.keys()
        for id_, now in self.model.items():
            *found, run_at, leased_until, finished_at = stored[id_]
            assert found == [
                now.state,
                now.attempt,
                now.max_attempts,
                now.lapses,
                now.revision,
                now.is_to_be_dropped,
                now.progress,
            ]
            assert run_at == now.run_at
            assert near(leased_until, now.leased_until)
            assert near(finished_at, now.finished_at)

    def teardown(self) -> None:
        """What an operator is told of the queues."""
        told = {each.queue: each for each in self.run(asking.queues)}
        for queue in {now.queue for now in self.model.values()}:
            states = Counter(now.state for now in self.model.values() if now.queue == queue)
            found = told[queue]
            assert found.running_limit == self.limits.get(queue)
            assert {state: getattr(found, state) for state in states} == states


SELECT: Final = """
    select id, state, attempt, max_attempts, lapses, revision, cancel_requested_at is not null,
        (progress ->> 'done')::int, run_at, leased_until, finished_at
    from mm.job
"""
SETTLED: Final = "update mm.job set run_at = clock_timestamp() + :pause where id = :id"
AGEING: Final = (
    """
    update mm.job set run_at = run_at - make_interval(days => :days),
        leased_until = leased_until - make_interval(days => :days),
        finished_at = finished_at - make_interval(days => :days)
    """,
    "update mm.job_cron set next_at = next_at - make_interval(days => :days)",
)


def near(one: Any, other: dt.datetime | None) -> bool:  # noqa: ANN401  (a column of a raw row)
    """Whether both are the same moment, give or take what a statement takes; or both none."""
    if one is None or other is None:
        return one is other
    return bool(abs(one - other) < dt.timedelta(minutes=10))


OUTCOMES = {
    "asked",
    "cancel: cancelled",
    "cancel: running",
    "claimed",
    "completed",
    "fired",
    "kept",
    "not completed",
    "not failed",
    "not kept",
    "not retried",
    "nothing due",
    "over before",
    "overtaken",
    "pruned",
    "reaped",
    "released",
    "retried",
    "taken for another",
    "then cancelled",
    "then failed",
    "then queued",
}
"""Everything that may come of what the machine does."""


def test_jobs_live_as_the_model_says(run: Transactions) -> None:
    assert live(JobLife, run).keys() == OUTCOMES


def unfenced(statement: Any) -> Any:  # noqa: ANN401  (a text clause)
    """The naive form: a worker writes to what runs, whoever has it by now."""
    return queries._statement(statement.text.replace("attempt = :attempt and", ":attempt > 0 and"))


@pytest.mark.parametrize("name", ["_COMPLETE", "_FAIL", "_PROGRESS"])
def test_control_a_worker_that_is_not_fenced_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(queries, name, unfenced(getattr(queries, name)))
    with pytest.raises(AssertionError):
        live_once(JobLife, run)
