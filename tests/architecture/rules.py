"""Rules of the house that no linter knows: each a name, a reason and a check of one module."""

from __future__ import annotations

import ast
import fnmatch
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HANDLERS = {"get", "post", "put", "patch", "delete", "route"}
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file: its path below src/matchmaker, its text and its tree."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def lies_in(self, *patterns: str) -> bool:
        return any(fnmatch.fnmatch(self.path, pattern) for pattern in patterns)


Check = Callable[[Module], Iterator[int]]


@dataclass(frozen=True)
class Rule:
    """A rule, and a snippet at a path that breaks it: the rule must catch its own control."""

    name: str
    reason: str
    check: Check
    control: str
    control_path: str = "catalog/service.py"


def _called(node: ast.AST) -> str:
    """The last name of a call: ``session.commit()`` is ``.commit``, ``select()`` is ``select``."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return "." + node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _calls(module: Module, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) in names:
            yield node


def one_committer(module: Module) -> Iterator[int]:
    if module.lies_in("core/db.py", "cli/*.py"):
        return
    for call in _calls(module, ".commit", ".rollback"):
        yield call.lineno


def sql_in_queries(module: Module) -> Iterator[int]:
    if module.lies_in("*/queries.py", "core/db.py", "core/events.py"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("sqlalchemy"):
            continue
        if {alias.name for alias in node.names} & {"select", "text"}:
            yield node.lineno
    for call in _calls(module, "select"):
        yield call.lineno


def one_clock(module: Module) -> Iterator[int]:
    if module.lies_in("core/clock.py"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        if (
            node.attr in {"now", "utcnow", "today"} and owner.split(".")[-1] in {"datetime", "date"}
        ) or (node.attr == "time" and owner == "time"):
            yield node.lineno


def jobs_by_one_clock(module: Module) -> Iterator[int]:
    if not module.lies_in("*/jobs.py", "core/jobs/*"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).endswith(".clock"):
            yield node.lineno


def one_environment(module: Module) -> Iterator[int]:
    if module.lies_in("__main__.py", "cli/*.py", "app.py"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            yield node.lineno


def no_lazy_relations(module: Module) -> Iterator[int]:
    for call in _calls(module, "relationship"):
        lazy = next((word.value for word in call.keywords if word.arg == "lazy"), None)
        if not (isinstance(lazy, ast.Constant) and lazy.value == "raise"):
            yield call.lineno


def described_handlers(module: Module) -> Iterator[int]:
    if not module.lies_in("*/controllers.py", "core/health.py"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for decorator in node.decorator_list:
            if _called(decorator) in HANDLERS and isinstance(decorator, ast.Call):
                said = {word.arg for word in decorator.keywords}
                documented = ast.get_docstring(node) is not None
                if not documented or not {"operation_id", "responses"} <= said:
                    yield node.lineno


def short_modules(module: Module) -> Iterator[int]:
    lines = module.text.count("\n") + 1
    if lines > LONGEST_MODULE:
        yield lines


def short_functions(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION:
            yield node.lineno


def telling_names(module: Module) -> Iterator[int]:
    if set(module.path.removesuffix(".py").split("/")) & VAGUE:
        yield 1


def no_mutable_globals(module: Module) -> Iterator[int]:
    mutable = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    for node in module.tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        # An upper-case name says constant, and ruff and mypy hold everyone to that.
        names = [t.id for t in targets if isinstance(t, ast.Name)]
        if isinstance(node.value, mutable) and any(
            not name.strip("_").isupper() and name != "__all__" for name in names
        ):
            yield node.lineno


def future_annotations(module: Module) -> Iterator[int]:
    imports = [
        n for n in module.tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]
    if len(module.tree.body) > 1 and not imports:
        yield 1


def no_gather_on_a_session(module: Module) -> Iterator[int]:
    for call in _calls(module, ".gather"):
        names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
        if names & {"session", "read_session"}:
            yield call.lineno


def transaction_local_settings(module: Module) -> Iterator[int]:
    for call in _calls(module, ".set_config"):
        last = call.args[-1] if call.args else None
        if not (isinstance(last, ast.Constant) and last.value is True):
            yield call.lineno


def no_pickle(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if {name.partition(".")[0] for name in names} & {"pickle", "joblib", "cloudpickle", "dill"}:
            yield node.lineno  # type: ignore[attr-defined]


def raised_not_returned(module: Module) -> Iterator[int]:
    if not module.lies_in("*/controllers.py"):
        return
    for call in _calls(module, "Response"):
        for word in call.keywords:
            status = word.value.value if isinstance(word.value, ast.Constant) else None
            if word.arg == "status_code" and isinstance(status, int) and status >= 400:
                yield call.lineno


_HANDLER = "class C:\n    @get('/x')\n    async def read(self) -> None:\n        '''Read.'''\n"

RULES: tuple[Rule, ...] = (
    Rule(
        "one committer",
        "one request is one transaction: a second commit splits it",
        one_committer,
        "async def f(session):\n    await session.commit()\n",
    ),
    Rule(
        "SQL in queries",
        "every SELECT of a room is found in one file",
        sql_in_queries,
        "from sqlalchemy import select\n",
    ),
    Rule(
        "one clock",
        "a test sets the time in one place",
        one_clock,
        "import datetime as dt\nnow = dt.datetime.now(dt.UTC)\n",
    ),
    Rule(
        "jobs by one clock",
        "a worker whose own clock is wrong would end what is still valid, for good",
        jobs_by_one_clock,
        "from matchmaker.core.clock import utc_now\n",
        "demand/jobs.py",
    ),
    Rule(
        "one environment",
        "settings are decoded once and passed on",
        one_environment,
        "import os\nx = os.environ['X']\n",
    ),
    Rule(
        "no lazy relations",
        "a lazy load is a query nobody sees, and fails under asyncio",
        no_lazy_relations,
        "x = relationship(back_populates='y')\n",
        "catalog/models.py",
    ),
    Rule(
        "described handlers",
        "the contract is generated: what is not said is not documented",
        described_handlers,
        _HANDLER,
        "catalog/controllers.py",
    ),
    Rule("short modules", "a file is read at one sitting", short_modules, "x = 1\n" * 401),
    Rule(
        "short functions",
        "a function does one thing",
        short_functions,
        "def f():\n" + "    x = 1\n" * 50,
    ),
    Rule(
        "telling names",
        "a file that can hold anything will",
        telling_names,
        "",
        "catalog/utils.py",
    ),
    Rule(
        "no mutable globals",
        "what changes at module level is shared by every request",
        no_mutable_globals,
        "seen = {}\n",
    ),
    Rule(
        "future annotations",
        "annotations are text, so names need no order",
        future_annotations,
        '"""Doc."""\nx = 1\n',
    ),
    Rule(
        "no gather on a session",
        "two tasks on one session is 'another operation is in progress'",
        no_gather_on_a_session,
        "import asyncio\nasync def f(session):\n    await asyncio.gather(a(session), b(session))\n",
    ),
    Rule(
        "transaction-local settings",
        "a session-level setting leaks one tenant's identity to the next request",
        transaction_local_settings,
        "x = func.set_config('mm.org_id', '1', False)\n",
    ),
    Rule(
        "no pickle",
        "loading a pickle runs whatever is in it",
        no_pickle,
        "import pickle\n",
        "ranking/tables.py",
    ),
    Rule(
        "raised, not returned",
        "a returned 4xx would commit the transaction",
        raised_not_returned,
        "def f():\n    return Response({}, status_code=409)\n",
        "catalog/controllers.py",
    ),
)
