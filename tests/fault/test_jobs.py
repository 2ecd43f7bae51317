"""The lease queue when processes die, freeze and come back, each with a control that must fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.clusters import migrated_files, migrated_server, reachable_directory
from tests.fault.trial import OPEN, ROOT, Trial, connect, environment, trial

from matchmaker.core.children import Kept, Program
from matchmaker.core.postgres import Embedded, Server


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server as it is shipped: what it has acknowledged survives its being killed."""
    with reachable_directory() as place, migrated_server(place, {}) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def work(durable: Server) -> AsyncIterator[Trial]:
    async with trial(durable) as made:
        yield made


@pytest.mark.parametrize(
    ("jobs", "kills"), [(2_000, 6), pytest.param(10_000, 25, marks=pytest.mark.soak)]
)
async def test_every_effect_happens_once_while_workers_are_killed(
    work: Trial, jobs: int, kills: int
) -> None:
    found = await work.kills(jobs, kills)
    print(f"\n{found}: {found.rate:.0f} jobs/s")  # noqa: T201
    assert found.is_exact, found
    assert await work.count("lapses > 0") > 0, "nobody was killed in the middle of something"


async def test_an_effect_that_commits_by_itself_happens_twice(work: Trial) -> None:
    """The control: the same kills, effect and completion in two transactions."""
    found = await work.kills(300, 3, "--apart")
    assert found.doubled > 0, found


@pytest.mark.parametrize("is_blind", [False, True], ids=["as it is", "with the fence alone"])
async def test_a_worker_frozen_past_its_lease_adds_nothing(work: Trial, *, is_blind: bool) -> None:
    assert await effects_of_a_frozen_worker(work, *(["--blind"] if is_blind else [])) == 1


async def test_without_the_fence_the_frozen_one_would_add_its_own(work: Trial) -> None:
    """The control: a completion that does not name its attempt."""
    assert await effects_of_a_frozen_worker(work, "--blind", "--unfenced") == 2


async def effects_of_a_frozen_worker(work: Trial, *options: str) -> int:
    """How often one job took effect: its worker was frozen, another did it, the first woke up."""
    frozen = await work.start("--concurrency", "1", *options)
    await work.add([{"n": 1, "after": 1.0}])
    await work.wait_for("state = 'running'", 1)
    frozen.send(signal.SIGSTOP)
    other = await work.start()
    await work.wait_for("state = 'done'", 1)
    assert await work.count("attempt = 2 and lapses = 1") == 1
    await work.end(other)
    frozen.send(signal.SIGCONT)
    # It does one at a time: when it has done the next, it is through with the first.
    await work.add([{"n": 2}])
    await work.wait_for("state = 'done'", 2)
    return int(await work.owner.fetchval("select count(*) from trial.effect where n = 1"))


@contextlib.asynccontextmanager
async def two_kept(work: Trial, *options: str) -> AsyncIterator[None]:
    """Two worker processes that are started again whenever they end."""
    program = Program(
        name="worker",
        arguments=work.command("--lease", "1", *options),
        environment=environment(),
        directory=str(ROOT),
    )
    kept = [Kept(program), Kept(program)]
    try:
        yield
    finally:
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in kept))


async def test_a_poison_job_ends_as_a_dead_letter_and_takes_no_other_with_it(work: Trial) -> None:
    """Each attempt ends the process; all have as many attempts, only the poison uses them up."""
    others = 300
    await work.add([{"n": n, "before": 0.02} for n in range(others)], max_attempts=4)
    await work.add([{}], kind="poison", max_attempts=4)
    async with two_kept(work):
        await work.wait_for(OPEN, seconds=60)
    dead = await work.owner.fetch(
        "select kind, attempt, lapses, error from mm.job where state = 'failed'"
    )
    assert [tuple(row)[:3] for row in dead] == [("poison", 4, 4)]
    assert "lease ran out" in dead[0]["error"]
    found = await work.outcome(others, 4, 1.0)
    assert (found.once, found.doubled) == (others, 0)


async def test_control_an_attempt_that_counts_when_it_is_over_would_go_on_for_ever(
    work: Trial,
) -> None:
    await work.add([{}], kind="poison", max_attempts=1)
    async with two_kept(work, "--uncounted"):
        await work.wait_for("lapses >= 3", 1)
    assert await work.count(f"attempt = 0 and {OPEN}") == 1


@contextlib.asynccontextmanager
async def own_trial(jobs: int) -> AsyncIterator[tuple[Trial, Path]]:
    """So many jobs on a server of their own, which may be killed, and where that lies."""
    with reachable_directory() as own:
        migrated_files(own)
        server = Embedded(own).start()
        async with trial(server) as work:
            await work.add([{"n": n} for n in range(jobs)])
            yield work, own
        work.server.stop()


async def test_the_database_is_killed_twice_and_nothing_is_lost() -> None:
    jobs = 900
    async with own_trial(jobs) as (work, own):
        for _ in range(2):
            await work.start()
        for left in (600, 300):
            await killed_and_started_again(work, own, left=left)
        await work.wait_for(OPEN)
        found = await work.outcome(jobs, 2, 1.0)
        assert all(worker.process.returncode is None for worker in work.workers)
        assert found.is_exact, found


async def test_control_a_worker_that_ends_with_its_round_leaves_the_rest() -> None:
    async with own_trial(300) as (work, own):
        worker = await work.start("--mortal")
        await killed_and_started_again(work, own, left=200)
        assert await asyncio.wait_for(worker.process.wait(), 30) == 3
        assert await work.count(OPEN) > 0


async def killed_and_started_again(work: Trial, own: Path, *, left: int) -> None:
    """Kill the database when at most ``left`` jobs are open; it is up again a second later."""
    while await work.count(OPEN) > left:  # noqa: ASYNC110  (other processes)
        await asyncio.sleep(0.02)
    note = json.loads((own / "postgres" / "server.json").read_text())
    os.kill(note["pid"], signal.SIGKILL)
    await asyncio.to_thread(work.server.stop)
    await asyncio.sleep(1.0)
    work.server = await asyncio.to_thread(Embedded(own).start)
    work.owner = await connect(work.server)
