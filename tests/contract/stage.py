"""What the drawn requests act on: organisations with keys, and what is made over the API."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.factories import offering_line

Body = dict[str, Any]

OWNER: Final = "owner"
OPERATOR: Final = "operator"
NEIGHBOUR: Final = "neighbour"
SME: Final = "sme"
PROVIDER: Final = "provider"
PORTAL: Final = "portal"
PERSON: Final = "person"
"""Somebody who is logged in: what no key does is drawn and refused here, and tested elsewhere."""
NEED: Final = {
    "kind": "solution",
    "text": "MES",
    "title": {"zh": "求购", "en": "Wanted"},
    "scenes": ["process_design"],
    "budget": {"amount": 50_000_000, "currency": "CNY"},
    "open_call": {"sought": "A system", "unmet": True, "deadline": "2199-01-01"},
}
"""A need that says enough to be open, and of which every part can be changed."""


class NotMade(Exception):
    """The API refused to make what a request was to act on."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An organisation and what it sends with a request."""

    organisation_id: str
    headers: dict[str, str]


@dataclass
class Stage:
    """The things of one run; each is made over the API as a client would make it."""

    api: httpx.Client
    callers: dict[str, Caller]
    email: str = ""
    """Of somebody who can log in."""
    kept: dict[str, str] = field(default_factory=dict)
    """What may be used again, by its name."""
    models: list[str] = field(default_factory=list)
    """Learned models, of which the first has files."""
    turns: itertools.count[int] = field(default_factory=itertools.count)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def ask(
        self, method: str, path: str, body: object = None, *, by: str = OWNER, etag: str = ""
    ) -> httpx.Response:
        """The answer to a request that must succeed."""
        headers = dict(self.callers[by].headers)
        if etag:
            headers["If-Match"] = etag
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        found = self.api.request(method, path, json=body, headers=headers)
        if found.is_error:
            raise NotMade(f"{method} {path}: {found.status_code} {found.text}")
        return found

    def made(self, path: str, body: object, *, by: str = OWNER) -> str:
        """The id of what a POST made."""
        return str(self.ask("POST", path, body, by=by).json()["id"])

    def keep(self, name: str, make: Any) -> str:  # noqa: ANN401  (makes an id)
        """The thing of this name, made when it is first asked for."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    @property
    def own(self) -> str:
        """The owner's organisation."""
        return self.callers[OWNER].organisation_id

    @property
    def neighbour(self) -> str:
        """Another firm."""
        return self.callers[NEIGHBOUR].organisation_id

    def organisation(self) -> str:
        """A new draft that can be submitted."""
        said = {
            "name": {"zh": "某厂", "en": "Works"},
            "roles": ["sme", "provider", "agency"],
            "region": "330200",
        }
        return self.made("/v1/organisations", said, by=OPERATOR)

    def key(self) -> str:
        """A new key of the owner."""
        return self.made(f"/v1/organisations/{self.own}/keys", {"name": "spare"})

    def assertion(self, key: ECKey) -> str:
        """What a client of the owner signs to prove itself, once."""
        jwks = {"keys": [{**key.as_dict(private=False), "kid": "k1"}]}
        path, body = f"/v1/organisations/{self.own}/keys", {"name": "machine", "jwks": jwks}
        client = self.keep("client", lambda: str(self.ask("POST", path, body).json()["public_id"]))
        issuer = self.api.get("/.well-known/oauth-authorization-server").json()["issuer"]
        claims = {"iss": client, "sub": client, "aud": issuer, "jti": uuid4().hex}
        over = int(time.time()) + 600
        return jwt.encode({"alg": "ES256", "kid": "k1"}, {**claims, "exp": over}, key)

    def member(self) -> str:
        """A new person of the owner."""
        person = {"name": "A", "email": f"{uuid4().hex}@example.com", "role": "editor"}
        return self.made(f"/v1/organisations/{self.own}/members", person)

    def consent(self) -> str:
        """A new consent of the owner."""
        self.free("contact")
        return self.made(f"/v1/organisations/{self.own}/consents", {"purpose": "contact"})

    def delegation(self) -> str:
        """What a new adviser may do in the owner's name."""
        said = {
            "adviser_id": self.organisation(),
            "scopes": ["needs:read"],
            "ends_at": "2199-01-01T00:00:00Z",
        }
        return self.made(f"/v1/organisations/{self.own}/delegations", said)

    def free(self, purpose: str) -> None:
        """End what the owner allows for ``purpose``: one consent at a time is in force."""
        for each in self._pages(f"/v1/organisations/{self.own}/consents?limit=100"):
            if each["purpose"] == purpose and each["withdrawn_at"] is None:
                self.ask("POST", f"/v1/consents/{each['id']}/withdrawal")

    def _pages(self, path: str) -> list[Body]:
        found = self.ask("GET", path).json()
        items = list(found["items"])
        while found["page"]["next"]:
            found = self.ask("GET", f"{path}&cursor={found['page']['next']}").json()
            items.extend(found["items"])
        return items

    def profile(self) -> str:
        """The owner, with a profile that has every part that can be changed."""
        money = {"amount": 1, "currency": "CNY"}
        facts = {"revenue": money, "assets": money, "yearly_budget": money, "employees": 79}
        self._put(f"/v1/profiles/{self.own}", facts)
        return self.own

    def _put(self, path: str, body: object) -> None:
        """Have ``body`` at ``path``, whatever is there."""
        try:
            etag = self.etag(path, OWNER)
        except NotMade:
            etag = ""
        self.ask("PUT", path, body, etag=etag)

    def assessment(self) -> str:
        """A new draft of the owner that can be completed."""
        said = {"scheme": "gbt_39116_2020", "value": "2", "mode": "assisted"}
        return self.made("/v1/assessments", said)

    def assessed(self) -> str:
        """A completed assessment of the owner; whoever completes another supersedes it."""
        said = {"scheme": "siri", "value": "2"}
        assessment_id = self.made("/v1/assessments", said)
        path = f"/v1/assessments/{assessment_id}/transitions"
        self.ask("POST", path, {"transition": "complete"})
        return assessment_id

    def pathway(self) -> str:
        """A new pathway of the owner, who stands at nothing yet and aims at level 1."""
        return self.made("/v1/pathways", {"target": 1})

    def recognition(self) -> str:
        """A new claim of the owner that an authority granted it something."""
        said = {"scheme": "cn_smart_factory", "level": "basic", "issuer": "City"}
        return self.made("/v1/recognitions", said)

    def guide(self) -> str:
        """A new draft of a guide of the owner."""
        told = {"issuer": {"zh": "某局"}, "source": {"zh": "某网站"}, "scenes": ["quality"]}
        return self.made("/v1/guides", {"code": "machinery", "edition": "2026", **told})

    def programme(self) -> str:
        """A new draft of a programme of the owner."""
        told = {"issuers": [{"zh": "某局"}], "source": {"zh": "某网站"}, "level": "nation"}
        return self.made("/v1/programmes", {"name": {"zh": "补助"}, **told})

    def open_programme(self) -> str:
        """A new programme that firms may join."""
        told = {"issuers": [{"zh": "某局"}], "source": {"zh": "某网站"}, "level": "nation"}
        said = {"name": {"zh": "补助"}, **told}
        programme_id = self.made("/v1/programmes", said, by=OPERATOR)
        path = f"/v1/programmes/{programme_id}/transitions"
        self.ask("POST", path, {"transition": "publish"}, by=OPERATOR)
        return programme_id

    def participation(self) -> str:
        """The owner in a new programme."""
        return self.made(f"/v1/programmes/{self.open_programme()}/participations", None)

    def need(self) -> str:
        """A new draft of the owner."""
        return self.made("/v1/needs", NEED)

    def public_need(self) -> str:
        """A need of the owner that everyone may read."""
        need_id = self.made("/v1/needs", {**NEED, "visibility": "public"})
        self.ask("POST", f"/v1/needs/{need_id}/transitions", {"transition": "open"})
        return need_id

    def shared_need(self) -> str:
        """A new draft of the owner that the neighbour is asked to share."""
        need_id = self.need()
        self.ask("PUT", f"/v1/needs/{need_id}/members/{self.neighbour}")
        return need_id

    def offered_need(self) -> str:
        """A new draft of the neighbour that the owner is asked to share."""
        need_id = self.made("/v1/needs", NEED, by=NEIGHBOUR)
        self.ask("PUT", f"/v1/needs/{need_id}/members/{self.own}", by=NEIGHBOUR)
        return need_id

    def run(self) -> str:
        """A stored match of the owner."""
        need_id = self.keep("need", self.need)
        found = self.ask("POST", f"/v1/needs/{need_id}/matches", {"limit": 10}).json()
        self.kept["shown"] = " ".join(item["offering_id"] for item in found["items"])
        return str(found["run_id"])

    def receipt(self) -> str:
        """The receipt of a match without an account."""
        found = self.api.post("/v1/match", json={"need": {"kind": "solution"}})
        return json.dumps(found.json()["receipt"])

    @property
    def shown(self) -> list[str]:
        """What the stored match showed."""
        self.keep("run", self.run)
        return self.kept["shown"].split()

    def shortlist(self) -> str:
        """A new shortlist of what the stored match showed."""
        entries = [{"offering_id": self.shown[0]}]
        return self.made(
            "/v1/shortlists", {"run_id": self.keep("run", self.run), "entries": entries}
        )

    def model(self) -> str:
        """A learned model; it is kept by whoever learns it, over no API."""
        return self.models[0]

    def another_model(self) -> str:
        """A learned model that was not moved yet."""
        return self.models[1 + next(self.turns) % (len(self.models) - 1)]

    def experiment(self) -> str:
        """A new draft of a comparison of two models."""
        said = {"name": "A", "design": "ab", "b_id": self.model(), "measure": "opened"}
        return self.made("/v1/experiments", said, by=OPERATOR)

    def offering(self, kind: str = "solution") -> str:
        """A published offering of this kind."""

        def find() -> str:
            listed = self.ask("GET", f"/v1/offerings?kind={kind}&limit=1").json()["items"]
            return str(listed[0]["id"])

        return self.keep(f"offering {kind}", find)

    def provider(self) -> str:
        """A verified provider."""
        found = self.ask("GET", "/v1/providers?limit=1").json()["items"]
        return str(found[0]["id"])

    def draft(self, by: str = OWNER) -> str:
        """A new offering that could be submitted."""
        line = offering_line(external_id=f"o-{uuid4().hex}", attributes={"kind": "solution"})
        for name in ("type", "provider", "cases", "record"):
            del line[name]
        return self.made("/v1/offerings", line, by=by)

    def published(self, by: str = OWNER) -> str:
        """A new offering that everyone sees."""
        offering_id = self.draft(by)
        path = f"/v1/offerings/{offering_id}/transitions"
        self.ask("POST", path, {"transition": "submit"}, by=by)
        self.ask("POST", path, {"transition": "publish"}, by=OPERATOR)
        return offering_id

    def changed(self) -> str:
        """A new published offering of the owner with a change beside it."""
        offering_id = self.published()
        path = f"/v1/offerings/{offering_id}/draft"
        self.ask("PATCH", path, {"title": {"en": "New"}}, etag=self.etag(path, OWNER))
        return offering_id

    def bill(self) -> str:
        """The owner's offering whose components there are."""
        return self.keep("bill", self.published)

    def component(self, of: str) -> str:
        """A new line of the bill of this path."""
        return self.made(f"{of}/components", {"layer": "chip", "name": "A"})

    def evidence(self) -> str:
        """A new claim of the owner."""
        said = {"type": "case", "claim": {"en": "Done"}, "metric": {"en": "Pieces"}}
        return self.made("/v1/evidence", said)

    def pool(self, by: str = OWNER) -> str:
        """A new pool that admits everyone."""
        said = {"code": f"p-{uuid4().hex}", "name": {"en": "Pool"}, "rule": {"all": []}}
        return self.made("/v1/pools", {**said, "description": {"en": "All"}}, by=by)

    def admission(self) -> str:
        """A new application of the neighbour to a pool of the owner."""
        offering_id = self.keep("neighbour's", lambda: self.published(NEIGHBOUR))
        path = f"/v1/pools/{self.pool()}/admissions"
        return self.made(path, {"offering_id": offering_id}, by=NEIGHBOUR)

    def card(self) -> str:
        """The owner, with a supply card that says something in both languages."""
        self._put(f"/v1/providers/{self.own}", {"summary": {"zh": "我们", "en": "We"}})
        return self.own

    def export(self) -> str:
        """A file that the owner asked for; a worker makes it."""
        return self.made("/v1/exports", {"kind": "needs"})

    def import_(self) -> str:
        """A file that the owner handed in; a worker reads it."""
        headers = {**self.callers[OWNER].headers, "Content-Type": "application/x-ndjson"}
        found = self.api.post("/v1/imports?kind=needs&dry_run=true", content=b"{}", headers=headers)
        if found.is_error:
            raise NotMade(found.text)
        return str(found.json()["id"])

    def curation(self) -> str:
        """A new curation of the owner, in draft."""
        said = {"name": {"zh": "本地", "en": "Local"}, "cap": {"of_provider": 2, "first": 10}}
        return self.made("/v1/curations", said)

    def cohort(self) -> str:
        """A new cohort of the owner."""
        return self.made("/v1/cohorts", {"name": "Some", "criteria": {"scales": ["small"]}})

    def batch(self) -> str:
        """A batch that the owner asked for, over a firm of its own books; a worker does it."""
        firms = [{"reference": "one", "profile": {"employees": 79}}]
        said = {"enterprises": firms, "need": {"kind": "solution"}, "capacity": 1}
        return self.made("/v1/match/batch", said)

    def webhook(self) -> str:
        """A new endpoint of the owner, who may have few of them."""
        for each in self._pages("/v1/webhooks?limit=100"):
            if each["id"] not in self.kept.values():
                path = f"/v1/webhooks/{each['id']}"
                self.ask("DELETE", path, etag=self.etag(path, OWNER))
        return self.made("/v1/webhooks", {"url": "https://93.184.215.14/"})

    def delivery(self, webhook_id: str) -> str:
        """A new delivery of an endpoint of the owner."""
        return str(self.ask("POST", f"/v1/webhooks/{webhook_id}/test").json()["id"])

    def job(self) -> str:
        """A new job of the owner."""
        return str(self.ask("POST", "/v1/exports", {"kind": "needs"}).json()["job_id"])

    @property
    def is_done(self) -> bool:
        """Whether the files that the requests are about were made and read."""
        paths = (
            f"/v1/exports/{self.keep('export', self.export)}",
            f"/v1/imports/{self.keep('import_', self.import_)}",
            f"/v1/match/batch/{self.keep('batch', self.batch)}",
        )
        found = {self.ask("GET", path).json()["state"] for path in paths}
        return not found & {"queued", "running"}

    def etag(self, path: str, by: str) -> str:
        """The ETag of what is there now."""
        return str(self.ask("GET", path, by=by).headers["ETag"])

    def possible(self, path: str, by: str) -> str:
        """The name of a transition that can be taken now, each in its turn; else of any."""
        told = self.ask("GET", path, by=by).json()["transitions"]
        names = [step["name"] for step in told if step["possible"]]
        return str(names[next(self.turns) % len(names)] if names else told[0]["name"])
