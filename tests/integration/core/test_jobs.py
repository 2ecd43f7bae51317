"""The lease queue on a real database: who gets a job, what is committed, what is written after."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker
from tests.clusters import migrated_server, reachable_directory

from matchmaker.core import db, jobs, listening
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.ids import uuid7
from matchmaker.core.jobs import Backoff, Context, Cron, Handler, Job, JobId, Options, Worker
from matchmaker.core.jobs.housekeeping import remove_old
from matchmaker.core.jobs.models import JobCron, JobState, StoredJob
from matchmaker.core.jobs.working import queries, watch
from matchmaker.core.jobs.working.watch import Watch
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings

FAST = Options(
    concurrency=4,
    lease=dt.timedelta(seconds=1.5),
    poll=0.1,
    grace=0.3,
    backoff=Backoff(base=0.05, cap=0.1),
)
LEASE = dt.timedelta(seconds=30)


@pytest.fixture
def kind() -> str:
    """A kind of job that no other test knows."""
    return f"test.{uuid4().hex}"


class Jobs:
    """Short ways to ask for jobs and to look at them."""

    def __init__(self, engine: AsyncEngine, server: Server) -> None:
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.server = server
        self.engine = engine

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        async with self.sessions.begin() as made:
            yield Session(ReadSession(made))

    async def add(self, *wanted: Job) -> list[JobId]:
        async with self.transaction() as session:
            return [await jobs.enqueue(session, job) for job in wanted]

    async def row(self, job_id: JobId) -> StoredJob:
        async with self.transaction() as session:
            return (await session.scalars(select(StoredJob).where(StoredJob.id == job_id))).one()

    async def count(self, *where: ColumnElement[bool]) -> int:
        async with self.transaction() as session:
            return int(
                await session.scalar(select(func.count()).select_from(StoredJob).where(*where)) or 0
            )

    async def until(self, job_id: JobId, *states: JobState, seconds: float = 15.0) -> StoredJob:
        async with asyncio.timeout(seconds):
            # The state of another's transaction: there is no event for it.
            while (row := await self.row(job_id)).state not in states:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return row

    async def claim(self, kind: str, most: int = 10) -> list[queries.Claimed]:
        async with self.engine.begin() as connection:
            return await queries.claim(connection, [kind], most=most, lease=LEASE, worker="test")

    async def lapse(self, job_id: JobId) -> None:
        """The lease of a job is over, and somebody noticed."""
        async with self.engine.begin() as connection:
            await connection.execute(
                text("update mm.job set leased_until = now() - interval '1 s' where id = :id"),
                {"id": job_id},
            )
            await queries.reap(connection, Backoff(base=0.0, cap=0.0))

    @contextlib.asynccontextmanager
    async def working(
        self,
        handlers: Mapping[str, Handler],
        *,
        workers: int = 1,
        options: Options = FAST,
        crons: tuple[Cron, ...] = (),
    ) -> AsyncIterator[list[Worker]]:
        url = self.server.url("mm_app")
        made = [
            Worker(url, Settings(), handlers, crons=crons, options=options) for _ in range(workers)
        ]
        tasks = [asyncio.create_task(worker.run()) for worker in made]
        try:
            yield made
        finally:
            for worker in made:
                worker.stop()
            await asyncio.gather(*tasks)


@pytest_asyncio.fixture(loop_scope="session")
async def queue(engine: AsyncEngine, server: Server) -> AsyncIterator[Jobs]:
    made = Jobs(engine, server)
    yield made
    async with made.transaction() as session:
        await session.execute(text("delete from mm.job where kind like 'test.%'"))


async def nothing(_: Context, __: dict[str, Any]) -> None:
    """Done at once."""


class TestEnqueue:
    async def test_a_job_is_done_and_its_result_is_kept(self, queue: Jobs, kind: str) -> None:
        owner = uuid7()

        async def double(context: Context, payload: dict[str, Any]) -> dict[str, Any]:
            assert (context.kind, context.attempt) == (kind, 1)
            assert context.organisation_id == owner
            return {"n": 2 * payload["n"], "文": "好"}

        (job_id,) = await queue.add(Job(kind=kind, payload={"n": 21}, organisation_id=owner))
        async with queue.working({kind: double}):
            row = await queue.until(job_id, JobState.DONE)
        assert row.result == {"n": 42, "文": "好"}
        assert row.finished_at is not None
        assert row.leased_until is None

    async def test_a_rolled_back_transaction_leaves_nothing(self, queue: Jobs, kind: str) -> None:
        class Undone(Exception):
            pass

        async def undone() -> None:
            async with queue.transaction() as session:
                await jobs.enqueue(session, Job(kind=kind))
                raise Undone

        with pytest.raises(Undone):
            await undone()
        assert await queue.count(StoredJob.kind == kind) == 0

    async def test_a_statement_on_the_raw_connection_would_have_stayed(
        self, queue: Jobs, kind: str
    ) -> None:
        """The control: the driver's BEGIN is lazy, so before it everything commits itself."""
        async with queue.sessions() as session:
            connection = await session.connection()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            # Nor is it said who acts, for that goes with BEGIN.
            who = "select set_config($1, $2, false)"
            await driver.execute(who, db.ACTING, str(db.INSTALLATION))
            await driver.execute(
                "insert into mm.job (id, kind, queue, payload, state, attempt, max_attempts,"
                " lapses, revision) values ($1, $2, 'default', '{}', 'queued', 0, 1, 0, 1)",
                uuid7(),
                kind,
            )
            # The connection goes back to the pool, and acts for nobody there.
            await driver.execute(f"reset {db.ACTING}")
            await session.rollback()
        assert await queue.count(StoredJob.kind == kind) == 1

    async def test_nobody_sees_it_before_the_commit(self, queue: Jobs, kind: str) -> None:
        async with queue.transaction() as session:
            await jobs.enqueue(session, Job(kind=kind))
            assert await queue.claim(kind) == []
        assert len(await queue.claim(kind)) == 1

    async def test_a_key_is_taken_once_while_it_waits(self, queue: Jobs, kind: str) -> None:
        first, second = await queue.add(Job(kind=kind, key="a"), Job(kind=kind, key="a"))
        (other,) = await queue.add(Job(kind=kind, key="b"))
        assert first == second != other

    async def test_a_running_job_does_not_take_up_a_new_one(self, queue: Jobs, kind: str) -> None:
        """It may have read before the change that the new one is about."""
        (first,) = await queue.add(Job(kind=kind, key="a"))
        (claimed,) = await queue.claim(kind)
        (second,) = await queue.add(Job(kind=kind, key="a"))
        assert first == claimed.id != second
        # Both may wait again: the one that failed beside the one that never ran.
        await queue.lapse(first)
        assert await queue.count(StoredJob.kind == kind, StoredJob.state == "queued") == 2

    async def test_a_delayed_job_waits(self, queue: Jobs, kind: str) -> None:
        await queue.add(Job(kind=kind, delay=dt.timedelta(hours=1)))
        assert await queue.claim(kind) == []

    async def test_a_kind_without_a_handler_waits_for_a_worker_that_has_one(
        self, queue: Jobs, kind: str
    ) -> None:
        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({f"{kind}.other": nothing}):
            await asyncio.sleep(0.4)
        assert (await queue.row(job_id)).attempt == 0


class TestFence:
    """Every write of a worker names the attempt: with an old one nothing is written."""

    async def test_an_old_attempt_writes_nothing(self, queue: Jobs, kind: str) -> None:
        (job_id,) = await queue.add(Job(kind=kind))
        (old,) = await queue.claim(kind)
        await queue.lapse(job_id)
        (new,) = await queue.claim(kind)
        assert (old.id, old.attempt, new.attempt) == (new.id, 1, 2)
        before = (await queue.row(job_id)).revision
        async with queue.engine.begin() as connection:
            assert await queries.renew(connection, [(old.id, old.attempt)], LEASE) == []
            assert await queries.progress(connection, old, {"done": 1}, LEASE) is None
            assert await queries.fail(connection, old, "late", Backoff()) is None
            await queries.release(connection, old)
        async with queue.transaction() as session:
            assert not await queries.complete(session, old, None)
        row = await queue.row(job_id)
        assert (row.state, row.revision, row.error) == (
            JobState.RUNNING,
            before,
            "its worker vanished: the lease ran out",
        )
        async with queue.transaction() as session:
            assert await queries.complete(session, new, None)

    async def test_a_retried_job_goes_on_counting(self, queue: Jobs, kind: str) -> None:
        """Were it counted from one again, a worker that believes in attempt one would be let in."""
        (job_id,) = await queue.add(Job(kind=kind, max_attempts=1))
        (old,) = await queue.claim(kind)
        await queue.lapse(job_id)
        assert (await queue.row(job_id)).state is JobState.FAILED
        async with queue.transaction() as session:
            assert await jobs.retry(session, job_id)
        (new,) = await queue.claim(kind)
        assert new.attempt == 2
        async with queue.transaction() as session:
            assert not await queries.complete(session, old, None)

    async def test_what_a_lost_job_did_is_rolled_back(self, queue: Jobs, kind: str) -> None:
        attempts: list[int] = []

        async def lose(context: Context, _: dict[str, Any]) -> None:
            attempts.append(context.attempt)
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            if context.attempt == 1:
                await queue.lapse(context.job_id)

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: lose}):
            await queue.until(job_id, JobState.DONE)
        assert attempts == [1, 2]
        assert await queue.count(StoredJob.kind == f"{kind}.effect") == 1

    async def lapsed_while_computing(self, queue: Jobs, kind: str) -> bool:
        """Whether a job whose handler holds up its loop for two leases was lost meanwhile."""
        lease = FAST.lease.total_seconds()

        async def look(job_id: JobId) -> bool:
            engine = db.create_engine(
                queue.server.url("mm_app"), Settings(), acting=db.INSTALLATION
            )
            async with engine.connect() as connection:
                found = await connection.scalar(
                    text("select leased_until < now() from mm.job where id = :id"), {"id": job_id}
                )
            await engine.dispose()
            return bool(found)

        async def compute(context: Context, _: dict[str, Any]) -> dict[str, Any]:
            time.sleep(2 * lease)  # noqa: ASYNC251  (the point)
            found: list[bool] = []
            other = threading.Thread(target=lambda: found.append(asyncio.run(look(context.job_id))))
            other.start()
            other.join()
            return {"lapsed": found[0]}

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: compute}):
            row = await queue.until(job_id, JobState.DONE)
        assert row.result is not None
        return bool(row.result["lapsed"])

    async def test_a_handler_that_computes_keeps_its_lease(self, queue: Jobs, kind: str) -> None:
        assert not await self.lapsed_while_computing(queue, kind)

    async def test_without_the_watch_it_would_lose_it(
        self, queue: Jobs, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: the loop of the handler renews nothing while it computes."""
        monkeypatch.setattr(Watch, "hold", lambda *_: None)
        assert await self.lapsed_while_computing(queue, kind)


class TestFailure:
    async def test_it_is_tried_again_and_then_kept_as_a_dead_letter(
        self, queue: Jobs, kind: str
    ) -> None:
        ran: list[int] = []

        async def fail(context: Context, _: dict[str, Any]) -> None:
            ran.append(context.attempt)
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            raise ValueError("no such \0 thing")

        (job_id,) = await queue.add(Job(kind=kind, max_attempts=3))
        async with queue.working({kind: fail}):
            row = await queue.until(job_id, JobState.FAILED)
        assert ran == [1, 2, 3]
        assert row.error == "ValueError: no such \N{REPLACEMENT CHARACTER} thing"
        assert row.lapses == 0
        assert await queue.count(StoredJob.kind == f"{kind}.effect") == 0

    async def test_the_pauses_grow_and_differ(self, queue: Jobs, kind: str) -> None:
        ids = await queue.add(*(Job(kind=kind) for _ in range(20)))
        spans: list[list[float]] = []
        for _ in range(2):
            for claimed in await queue.claim(kind, most=20):
                async with queue.engine.begin() as connection:
                    await queries.fail(connection, claimed, "no", Backoff(base=2.0))
            async with queue.transaction() as session:
                rows = await session.scalars(
                    text(
                        "select extract(epoch from run_at - now())::float from mm.job"
                        " where id = any(:ids)"
                    ).bindparams(ids=ids)
                )
                spans.append(sorted(rows))
                await session.execute(
                    text("update mm.job set run_at = now() where kind = :kind"), {"kind": kind}
                )
        assert 0.5 < spans[0][0] < spans[0][-1] < 3.1
        assert 1.5 < spans[1][0] < spans[1][-1] < 6.1
        assert len(set(spans[0])) == 20

    async def test_one_that_gives_up_is_not_tried_again(self, queue: Jobs, kind: str) -> None:
        async def give_up(_: Context, __: dict[str, Any]) -> None:
            raise jobs.GiveUp("the file is empty")

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: give_up}):
            row = await queue.until(job_id, JobState.FAILED)
        assert (row.attempt, row.error) == (1, "the file is empty")

    async def test_one_that_takes_too_long_is_ended(self, queue: Jobs, kind: str) -> None:
        async def hang(_: Context, __: dict[str, Any]) -> None:
            await asyncio.Event().wait()

        options = Options(time_limit=0.1, poll=0.1)
        (job_id,) = await queue.add(Job(kind=kind, max_attempts=1))
        async with queue.working({kind: hang}, options=options):
            row = await queue.until(job_id, JobState.FAILED)
        assert str(row.error).startswith("TimeoutError")

    async def test_a_result_that_is_no_json_fails(self, queue: Jobs, kind: str) -> None:
        async def wrong(_: Context, __: dict[str, Any]) -> dict[str, Any]:
            return {"at": dt.timedelta()}

        (job_id,) = await queue.add(Job(kind=kind, max_attempts=1))
        async with queue.working({kind: wrong}):
            await queue.until(job_id, JobState.FAILED)

    async def test_a_dead_letter_can_be_tried_again(self, queue: Jobs, kind: str) -> None:
        broken = True

        async def fail_first(_: Context, __: dict[str, Any]) -> None:
            if broken:
                raise ValueError

        (job_id,) = await queue.add(Job(kind=kind, max_attempts=1))
        async with queue.working({kind: fail_first}):
            await queue.until(job_id, JobState.FAILED)
            broken = False
            async with queue.transaction() as session:
                assert await jobs.retry(session, job_id)
            await queue.until(job_id, JobState.DONE)
            async with queue.transaction() as session:
                assert not await jobs.retry(session, job_id)

    async def test_a_job_is_not_taken_up_again_while_an_equal_one_waits(
        self, queue: Jobs, kind: str
    ) -> None:
        (dropped,) = await queue.add(Job(kind=kind, key="k"))
        async with queue.transaction() as session:
            await jobs.cancel(session, dropped)
        (waiting,) = await queue.add(Job(kind=kind, key="k"))
        async with queue.transaction() as session:
            assert not await jobs.retry(session, dropped)
            await jobs.cancel(session, waiting)
            assert await jobs.retry(session, dropped)

    async def test_a_worker_that_stops_gives_back_what_does_not_end(
        self, queue: Jobs, kind: str
    ) -> None:
        begun = asyncio.Event()

        async def slow(context: Context, _: dict[str, Any]) -> None:
            if context.attempt == 1:
                begun.set()
                await asyncio.sleep(60)

        (job_id,) = await queue.add(Job(kind=kind, max_attempts=1))
        async with queue.working({kind: slow}):
            await begun.wait()
        row = await queue.row(job_id)
        assert (row.state, row.attempt, row.max_attempts) == (JobState.QUEUED, 1, 2)
        async with queue.working({kind: slow}):
            await queue.until(job_id, JobState.DONE)

    async def test_a_worker_that_stops_lets_a_job_end(self, queue: Jobs, kind: str) -> None:
        begun = asyncio.Event()

        async def short(_: Context, __: dict[str, Any]) -> None:
            begun.set()
            await asyncio.sleep(0.1)

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: short}):
            await begun.wait()
        assert (await queue.row(job_id)).state is JobState.DONE

    async def test_a_suspect_runs_alone(self, queue: Jobs, kind: str) -> None:
        """Its worker vanished twice: the next one has nothing else in hand when it takes it."""
        at_once: list[int] = []
        running = 0

        async def look(_: Context, payload: dict[str, Any]) -> None:
            nonlocal running
            running += 1
            await asyncio.sleep(0.02)
            if payload.get("suspect"):
                at_once.append(running)
            running -= 1

        (suspect,) = await queue.add(Job(kind=kind, payload={"suspect": True}))
        for _ in range(2):
            assert len(await queue.claim(kind)) == 1
            await queue.lapse(suspect)
        assert await queue.claim(kind) == []
        await queue.add(*(Job(kind=kind) for _ in range(100)))
        async with queue.working({kind: look}):
            await queue.until(suspect, JobState.DONE)
        assert at_once == [1]


class TestCancel:
    async def test_a_waiting_job_is_cancelled_at_once(self, queue: Jobs, kind: str) -> None:
        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.transaction() as session:
            assert await jobs.cancel(session, job_id) is JobState.CANCELLED
        assert await queue.claim(kind) == []
        async with queue.transaction() as session:
            assert await jobs.cancel(session, job_id) is None

    async def test_a_running_job_is_stopped_and_leaves_nothing(
        self, queue: Jobs, kind: str
    ) -> None:
        begun = asyncio.Event()

        async def slow(context: Context, _: dict[str, Any]) -> None:
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            begun.set()
            await asyncio.sleep(60)

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: slow}, options=Options(lease=LEASE)):
            await begun.wait()
            async with queue.transaction() as session:
                assert await jobs.cancel(session, job_id) is JobState.RUNNING
            # Told by NOTIFY, long before a lease of thirty seconds is renewed.
            row = await queue.until(job_id, JobState.CANCELLED, seconds=5)
        assert row.finished_at is not None
        assert await queue.count(StoredJob.kind == f"{kind}.effect") == 0

    async def test_progress_says_that_it_is_cancelled(self, queue: Jobs, kind: str) -> None:
        stopped: list[bool] = []

        async def ask(context: Context, _: dict[str, Any]) -> None:
            async with queue.engine.begin() as connection:
                # As if the word had been lost: nothing is notified.
                await connection.execute(
                    text("update mm.job set cancel_requested_at = now() where id = :id"),
                    {"id": context.job_id},
                )
            try:
                await context.progress(1, 2)
            except jobs.Stopped:
                stopped.append(True)
                raise

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: ask}, options=Options(lease=LEASE)):
            await queue.until(job_id, JobState.CANCELLED)
        assert stopped == [True]

    async def test_a_handler_that_will_not_hear_is_not_completed(
        self, queue: Jobs, kind: str
    ) -> None:
        async def deaf(context: Context, _: dict[str, Any]) -> None:
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            async with queue.transaction() as session:
                await jobs.cancel(session, context.job_id)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1)

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: deaf}):
            await queue.until(job_id, JobState.CANCELLED)
        assert await queue.count(StoredJob.kind == f"{kind}.effect") == 0

    async def test_control_a_completion_that_does_not_look_would_do_a_cancelled_job(
        self, queue: Jobs, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def unlooking(session: Session, job: queries.Claimed, _: object) -> bool:
            done = "update mm.job set state = 'done', leased_until = null, finished_at = now()"
            await session.execute(
                text(f"{done} where id = :id and attempt = :attempt"),
                {"id": job.id, "attempt": job.attempt},
            )
            return True

        monkeypatch.setattr(queries, "complete", unlooking)

        async def ask(context: Context, _: dict[str, Any]) -> None:
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            async with queue.engine.begin() as connection:
                # As if the word had been lost: nothing is notified.
                await connection.execute(
                    text("update mm.job set cancel_requested_at = now() where id = :id"),
                    {"id": context.job_id},
                )

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: ask}, options=Options(lease=LEASE)):
            await queue.until(job_id, JobState.DONE)
        assert await queue.count(StoredJob.kind == f"{kind}.effect") == 1

    async def test_one_whose_worker_vanished_is_cancelled_when_its_lease_is_over(
        self, queue: Jobs, kind: str
    ) -> None:
        (job_id,) = await queue.add(Job(kind=kind))
        await queue.claim(kind)
        async with queue.transaction() as session:
            await jobs.cancel(session, job_id)
        await queue.lapse(job_id)
        assert (await queue.row(job_id)).state is JobState.CANCELLED


class TestProgress:
    async def test_it_is_seen_while_the_job_runs(self, queue: Jobs, kind: str) -> None:
        seen: list[Any] = []

        async def tell(context: Context, _: dict[str, Any]) -> None:
            await jobs.enqueue(context.session, Job(kind=f"{kind}.effect"))
            for done in (1, 2, 3):
                await context.progress(done, 3, "行")
                seen.append((await queue.row(context.job_id)).progress)

        (job_id,) = await queue.add(Job(kind=kind))
        async with queue.working({kind: tell}):
            row = await queue.until(job_id, JobState.DONE)
        first, last = ({"done": done, "total": 3, "note": "行"} for done in (1, 3))
        # The second one came too soon after the first; the last is always told.
        assert seen == [first, first, last]
        assert row.progress == last


class TestListen:
    async def test_a_cut_connection_loses_no_work(self, queue: Jobs, kind: str) -> None:
        options = Options(poll=30.0)
        done: list[int] = []

        async def note(_: Context, payload: dict[str, Any]) -> None:
            done.append(payload["n"])

        async with queue.working({kind: note}, options=options):
            listener = await self.listener(queue)
            (first,) = await queue.add(Job(kind=kind, payload={"n": 1}))
            await queue.until(first, JobState.DONE, seconds=5)
            await self.end(queue, listener)
            # Nobody hears of this one; what begins to listen again looks first.
            (second,) = await queue.add(Job(kind=kind, payload={"n": 2}))
            await queue.until(second, JobState.DONE, seconds=5)
            assert await self.listener(queue) != listener
            (third,) = await queue.add(Job(kind=kind, payload={"n": 3}))
            await queue.until(third, JobState.DONE, seconds=5)
        assert done == [1, 2, 3]

    async def test_control_who_listens_once_hears_nothing_after_a_cut(
        self, queue: Jobs, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def once(
            engine: AsyncEngine,
            channel: str,
            *,
            heard: Callable[[str], None],
            joined: Callable[[], None],
        ) -> None:
            await listening._listen(engine, channel, heard, joined)

        monkeypatch.setattr(watch, "listen", once)
        async with queue.working({kind: nothing}, options=Options(poll=30.0)):
            listener = await self.listener(queue)
            (first,) = await queue.add(Job(kind=kind))
            await queue.until(first, JobState.DONE, seconds=5)
            await self.end(queue, listener)
            (second,) = await queue.add(Job(kind=kind))
            with pytest.raises(TimeoutError):
                await queue.until(second, JobState.DONE, seconds=3)
        assert (await queue.row(second)).state is JobState.QUEUED

    async def test_without_a_word_the_poll_finds_it(self, queue: Jobs, kind: str) -> None:
        async with queue.working({kind: nothing}):
            await self.listener(queue)
            async with queue.transaction() as session:
                job_id = uuid7()
                await session.execute(
                    text(
                        "insert into mm.job (id, kind, queue, payload, state, attempt,"
                        " max_attempts, lapses, revision)"
                        " values (:id, :kind, 'default', '{}', 'queued', 0, 1, 0, 1)"
                    ),
                    {"id": job_id, "kind": kind},
                )
            await queue.until(JobId(job_id), JobState.DONE, seconds=5)

    @staticmethod
    async def listener(queue: Jobs) -> int:
        """The server process of the connection that listens."""
        async with asyncio.timeout(10):
            while True:
                async with queue.engine.connect() as connection:
                    found = await connection.scalar(
                        text(
                            "select pid from pg_stat_activity where usename = 'mm_app'"
                            " and state = 'idle' and query ilike 'listen%'"
                        )
                    )
                if found is not None:
                    return int(found)
                await asyncio.sleep(0.02)

    @staticmethod
    async def end(queue: Jobs, pid: int) -> None:
        async with queue.engine.connect() as connection:
            assert await connection.scalar(text("select pg_terminate_backend(:pid)"), {"pid": pid})


def rows_read(node: Mapping[str, Any]) -> int:
    """How many rows the scans below a node of an executed plan gave."""
    below = sum(rows_read(part) for part in node.get("Plans", []))
    own = node["Actual Rows"] * node["Actual Loops"] if "Relation Name" in node else 0
    return int(below + own)


@pytest.fixture(scope="module")
def empty() -> Iterator[Server]:
    """A server nothing ran on; on the common one the planner's numbers are of what ran before."""
    with reachable_directory() as place, migrated_server(place) as made:
        yield made


class TestBacklog:
    """Many jobs come at once, and the planner's numbers are of a queue without them."""

    MANY = 3_000
    FILL = text("""
        insert into mm.job (id, kind, queue, payload, state, attempt, max_attempts, lapses,
            revision, run_at)
        select gen_random_uuid(), :kind, 'default', '{}', 'queued', 0, 1, 0, 1, '2020-01-01'
        from generate_series(1, :many)
    """)

    async def reads(self, empty: Server, kind: str, planning: Mapping[str, str] | None) -> int:
        """The rows that are read to take eight of the many."""
        engine = db.create_engine(
            empty.url("mm_app"), Settings(), acting=db.INSTALLATION, planning=planning
        )
        asked = queries._asked([kind], 8, LEASE, "test", alone=False)
        claim = queries._statement(f"explain (analyze, format json) {queries._CLAIM_UNLIMITED}")
        async with engine.connect() as connection, connection.begin() as transaction:
            await connection.execute(self.FILL, {"kind": kind, "many": self.MANY})
            (plan,) = (await connection.execute(claim, asked)).scalar_one()
            await transaction.rollback()
        await engine.dispose()
        return rows_read(plan["Plan"])

    async def test_a_claim_reads_from_the_front(self, empty: Server, kind: str) -> None:
        assert await self.reads(empty, kind, queries.FROM_THE_FRONT) < 100

    async def test_control_the_planner_left_alone_reads_them_all(
        self, empty: Server, kind: str
    ) -> None:
        assert await self.reads(empty, kind, None) >= self.MANY


class TestLimit:
    async def most_at_once(
        self, queue: Jobs, kind: str, claim: Callable[..., Any] | None = None
    ) -> int:
        """The most jobs of a queue with room for two that ever ran at once."""
        async with queue.transaction() as session:
            await jobs.limit(session, kind, 2)
        await queue.add(*(Job(kind=kind, queue=kind) for _ in range(60)))
        most = 0

        async def work() -> None:
            nonlocal most
            while await queue.count(StoredJob.kind == kind, StoredJob.finished_at.is_(None)):
                async with queue.engine.begin() as connection:
                    taken = await (claim or queries.claim)(
                        connection, [kind], most=3, lease=LEASE, worker="test"
                    )
                running = StoredJob.state == JobState.RUNNING
                most = max(most, await queue.count(StoredJob.kind == kind, running))
                for job in taken:
                    async with queue.transaction() as session:
                        await queries.complete(session, job, None)

        async with asyncio.timeout(60):
            await asyncio.gather(*(work() for _ in range(6)))
        return most

    async def test_a_limit_holds_however_many_ask(self, queue: Jobs, kind: str) -> None:
        assert await self.most_at_once(queue, kind) == 2

    async def test_counting_before_taking_would_break_it(self, queue: Jobs, kind: str) -> None:
        """The control: between the count and the taking others take too."""

        async def naive(
            connection: AsyncConnection, kinds: list[str], *, most: int, **_: object
        ) -> list[queries.Claimed]:
            free = await connection.scalar(
                text("select 2 - count(*) from mm.job where queue = :q and state = 'running'"),
                {"q": kinds[0]},
            )
            rows = await connection.execute(
                text(
                    "update mm.job set state = 'running', attempt = attempt + 1, worker = 'test',"
                    " leased_until = now() + interval '30 s' where id in (select id from mm.job"
                    " where state = 'queued' and queue = :q limit :n for update skip locked)"
                    " returning id, attempt, kind, queue, payload, organisation_id"
                ),
                {"q": kinds[0], "n": max(0, min(free or 0, most))},
            )
            return [queries.Claimed(*row) for row in rows]

        assert await self.most_at_once(queue, kind, naive) > 2

    async def test_the_short_way_is_open_only_where_nothing_is_limited(
        self, queue: Jobs, kind: str
    ) -> None:
        await queue.add(Job(kind=kind), Job(kind=kind))

        async def claimed() -> int:
            async with queue.engine.begin() as connection:
                found = await queries.claim_unlimited(
                    connection, [kind], most=1, lease=LEASE, worker="test"
                )
                return len(found)

        async with queue.transaction() as session:
            await jobs.limit(session, f"{kind}.other", 5)
        assert await claimed() == 1
        await queue.add(Job(kind=kind, queue=f"{kind}.other"))
        assert await claimed() == 0

    async def test_a_full_queue_does_not_hold_up_the_others(self, queue: Jobs, kind: str) -> None:
        async with queue.transaction() as session:
            await jobs.limit(session, kind, 0)
        held, free = await queue.add(Job(kind=kind, queue=kind), Job(kind=kind))
        async with queue.working({kind: nothing}):
            await queue.until(free, JobState.DONE)
            assert (await queue.row(held)).state is JobState.QUEUED
            async with queue.transaction() as session:
                await jobs.limit(session, kind, 1)
            await queue.until(held, JobState.DONE)

    @pytest_asyncio.fixture(loop_scope="session", autouse=True)
    async def no_limits(self, server: Server) -> AsyncIterator[None]:
        yield
        await as_owner(server, "delete from mm.job_queue where name like 'test.%'")


class TestCron:
    @pytest_asyncio.fixture(loop_scope="session", autouse=True)
    async def no_crons(self, server: Server) -> AsyncIterator[None]:
        yield
        await as_owner(server, "delete from mm.job_cron where name like 'test.%'")

    async def test_of_several_workers_one_fires(self, queue: Jobs, kind: str) -> None:
        fired: list[float] = []

        async def note(_: Context, __: dict[str, Any]) -> None:
            fired.append(time.monotonic())

        cron = Cron(name=kind, kind=kind, every=dt.timedelta(seconds=1))
        async with queue.working({kind: note}, workers=3, crons=(cron,)):
            await asyncio.sleep(4.5)
        assert len(fired) == 4
        assert all(0.5 < b - a < 1.5 for a, b in itertools.pairwise(fired)), fired

    async def fired(
        self, queue: Jobs, kind: str, fire: Callable[..., Awaitable[Sequence[object]]]
    ) -> int:
        """How many jobs come of one time that is due when six look at the clock at once."""
        cron = Cron(name=kind, kind=kind, every=dt.timedelta(hours=1))
        async with queue.transaction() as session:
            await jobs.schedule(session, cron)
            await session.execute(
                text("update mm.job_cron set next_at = now() where name = :name"), {"name": kind}
            )

        async def look() -> int:
            async with queue.engine.begin() as connection:
                return len(await fire(connection, [kind]))

        return sum(await asyncio.gather(*(look() for _ in range(6))))

    async def test_of_many_who_look_at_once_one_fires(self, queue: Jobs, kind: str) -> None:
        assert await self.fired(queue, kind, queries.fire) == 1

    async def test_control_reading_before_moving_on_would_fire_many_times(
        self, queue: Jobs, kind: str
    ) -> None:
        looked = asyncio.Barrier(6)

        async def naive(connection: AsyncConnection, kinds: list[str]) -> Sequence[object]:
            due = text("select name from mm.job_cron where next_at <= now() and kind = any(:kinds)")
            found = (await connection.execute(due, {"kinds": kinds})).all()
            await looked.wait()
            later = "update mm.job_cron set next_at = now() + make_interval(secs => every_seconds)"
            await connection.execute(text(f"{later} where kind = any(:kinds)"), {"kinds": kinds})
            return found

        assert await self.fired(queue, kind, naive) == 6

    async def test_what_was_missed_is_made_up_for_once(self, queue: Jobs, kind: str) -> None:
        cron = Cron(name=kind, kind=kind, every=dt.timedelta(seconds=60))
        async with queue.transaction() as session:
            await jobs.schedule(session, cron)
            await session.execute(
                text(
                    "update mm.job_cron set next_at = now() - interval '605 s' where name = :name"
                ),
                {"name": kind},
            )
        async with queue.engine.begin() as connection:
            fired = await queries.fire(connection, [kind])
            assert [(job.kind, job.key) for job in fired] == [(kind, f"cron {kind}")]
            assert await queries.fire(connection, [kind]) == []
        async with queue.transaction() as session:
            # In the same rhythm as before: 605 s late of 60 is 55 s before the next.
            assert 50 < await self.seconds_to_next(session, kind) <= 55

    async def test_a_shorter_rhythm_counts_from_now(self, queue: Jobs, kind: str) -> None:
        for hours in (24, 1):
            async with queue.transaction() as session:
                await jobs.schedule(
                    session, Cron(name=kind, kind=kind, every=dt.timedelta(hours=hours))
                )
        async with queue.transaction() as session:
            assert await self.seconds_to_next(session, kind) <= 3600

    @staticmethod
    async def seconds_to_next(session: Session, name: str) -> float:
        left = select(func.extract("epoch", JobCron.next_at - func.now()))
        return float((await session.scalars(left.where(JobCron.name == name))).one())


class TestHousekeeping:
    async def test_what_is_long_over_is_removed_and_dead_letters_stay(
        self, queue: Jobs, kind: str
    ) -> None:
        ids = await queue.add(*(Job(kind=kind) for _ in range(4)))
        for job_id, state, days in zip(
            ids, ("done", "done", "failed", "cancelled"), (31, 29, 31, 31), strict=True
        ):
            async with queue.transaction() as session:
                await session.execute(
                    text(
                        "update mm.job set state = :state, attempt = 1,"
                        " finished_at = now() - :days * interval '1 day' where id = :id"
                    ),
                    {"state": state, "days": days, "id": job_id},
                )
        (job_id,) = await queue.add(Job(kind=f"{kind}.prune"))
        async with queue.working({f"{kind}.prune": remove_old}):
            row = await queue.until(job_id, JobState.DONE)
        assert row.result == {"removed": 2}
        assert await queue.count(StoredJob.id.in_(ids[1:3])) == 2

    async def test_the_view_counts(self, queue: Jobs, kind: str) -> None:
        await queue.add(*(Job(kind=kind, queue=kind) for _ in range(3)))
        (claimed,) = await queue.claim(kind, most=1)
        async with queue.transaction() as session:
            assert await queries.complete(session, claimed, None)
            found = {each.queue: each for each in await jobs.queries.queues(session)}[kind]
        assert (found.queued, found.running, found.done, found.failed) == (2, 0, 1, 0)
        assert found.oldest is not None
        assert found.oldest > dt.timedelta()


async def as_owner(server: Server, statement: str) -> None:
    engine = db.create_engine(server.url("mm_owner"), Settings(), role="mm_owner")
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
