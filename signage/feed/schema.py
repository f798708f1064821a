"""OpenAPI and JSON Schema of the feed, made from its types."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from models.site import Site
from signage.feed import say
from signage.feed.exports import atom, cap, ngsi_ld
from signage.feed.exports.ngsi_ld import Entities
from signage.feed.exports.parkapi import ParkApi, ParkApiCity
from signage.feed.feed import SCHEMA_VERSION, Problem, SiteDocument, Sites
from signage.feed.forecast import ForecastDocument
from signage.feed.history import History
from signage.ticket import LONGEST, TicketDocument

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SITE_SCHEMA = f"/api/v1/schema/{SCHEMA_VERSION}/site.json"
FORECAST_SCHEMA = f"/api/v1/schema/{SCHEMA_VERSION}/forecast.json"
JSON = "application/json"
JSON_SCHEMA = "application/schema+json"

_SITE = "/api/v1/sites/{site}"
_PROBLEM = "application/problem+json"
_OBJECT = {"type": "object"}
_TEXT = {"type": "string"}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "site": {"in": "path", "required": True, "schema": _TEXT},
    "day": {"in": "path", "required": True, "schema": {"type": "string", "format": "date"}},
    "alert": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,96}$"},
    },
    "lang": {"in": "path", "required": True, "schema": _TEXT},
    "number": {
        "in": "path",
        "required": True,
        "description": "As printed on the ticket, or as people type it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    },
    "service": {
        "in": "query",
        "description": "For what, where several services have such a number.",
        "schema": _TEXT,
    },
    "spoken": {
        "name": "lang",
        "in": "query",
        "description": "In which language; the first of the office if none is named.",
        "schema": _TEXT,
    },
    "If-None-Match": {
        "in": "header",
        "description": "The ETag of what you have: 304 while it is still that.",
        "schema": _TEXT,
    },
    "Last-Event-ID": {
        "in": "header",
        "description": "Of the last event that you have: if nothing is new, nothing is repeated.",
        "schema": _TEXT,
    },
}


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What is served at one path.

    `told` is a type, or a schema where the body is not ours to describe. What `waits` for the hub
    is 503 until it has been heard.
    """

    path: str
    does: str
    kind: str = JSON
    told: Any = None
    waits: bool = True
    also: tuple[str, ...] = ("If-None-Match",)


ADDRESSES: dict[str, Address] = {
    "sites": Address(
        path="/api/v1/sites", does="The offices that are served here", told=Sites, waits=False
    ),
    "site": Address(path=_SITE, does="How busy an office is now", told=SiteDocument),
    "stream": Address(
        path=f"{_SITE}/stream",
        does="The document at each change, as server-sent events: `snapshot` and `ping`",
        kind="text/event-stream",
        told=_TEXT,
        waits=False,
        also=("Last-Event-ID",),
    ),
    "forecast": Address(
        path=f"{_SITE}/forecast", does="The coming hours and days", told=ForecastDocument
    ),
    "history": Address(
        path=f"{_SITE}/history", does="The days of which there is a CSV", told=History, waits=False
    ),
    "historyDay": Address(
        path=f"{_SITE}/history/{{day}}.csv",
        does="What was told on a day, every five minutes",
        kind="text/csv",
        told=_TEXT,
        waits=False,
    ),
    "ticket": Address(
        path=f"{_SITE}/tickets/{{number}}",
        does="How many are before a ticket and how much longer it waits, or where it was called to",
        told=TicketDocument,
        also=("service", "If-None-Match"),
    ),
    "say": Address(
        path=f"{_SITE}/say.txt",
        does="How busy each service is, in lines that a telephone or an SMS can say",
        kind=say.TYPE,
        told=_TEXT,
        also=("spoken", "service", "If-None-Match"),
    ),
    "notices": Address(
        path=f"{_SITE}/notices/{{lang}}.atom",
        does="The notices that hold, as Atom; each names its CAP message",
        kind=atom.TYPE,
        told=_TEXT,
    ),
    "alert": Address(
        path=f"{_SITE}/notices/{{alert}}.xml",
        does="One notice as a message of CAP 1.2",
        kind=cap.TYPE,
        told=_TEXT,
    ),
    "ngsiLd": Address(
        path=f"{_SITE}/ngsi-ld",
        does="NGSI-LD entities of the Smart Data Models, simplified",
        kind=ngsi_ld.TYPE,
        told=Entities,
    ),
    "parkApi": Address(
        path="/api/v1/parkapi", does="ParkAPI 1.0: the list of cities", told=ParkApi, waits=False
    ),
    "parkApiCity": Address(
        path="/api/v1/parkapi/{site}", does="ParkAPI 1.0: the car parks", told=ParkApiCity
    ),
    "siteSchema": Address(
        path=SITE_SCHEMA,
        does="JSON Schema of an office's document",
        kind=JSON_SCHEMA,
        told=_OBJECT,
        waits=False,
    ),
    "forecastSchema": Address(
        path=FORECAST_SCHEMA,
        does="JSON Schema of a forecast",
        kind=JSON_SCHEMA,
        told=_OBJECT,
        waits=False,
    ),
}
"""All that the feed serves, by its `operationId`."""


def site_schema() -> dict[str, Any]:
    """JSON Schema of `/api/v1/sites/{site}`."""
    return {"$schema": DRAFT, "$id": SITE_SCHEMA, **msgspec.json.schema(SiteDocument)}


def forecast_schema() -> dict[str, Any]:
    """JSON Schema of `/api/v1/sites/{site}/forecast`."""
    return {"$schema": DRAFT, "$id": FORECAST_SCHEMA, **msgspec.json.schema(ForecastDocument)}


def openapi(version: str, *sites: Site) -> dict[str, Any]:
    """OpenAPI 3.1 of everything below `/api/v1`, for the offices that are served."""
    ours = [a.told for a in ADDRESSES.values() if not isinstance(a.told, dict)]
    refs, components = msgspec.json.schema_components(
        (Problem, *ours), ref_template="#/components/schemas/{name}"
    )
    problem, *rest = refs
    schemas = iter(rest)
    told = {
        name: address.told if isinstance(address.told, dict) else next(schemas)
        for name, address in ADDRESSES.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "machiai: how busy is the office",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            address.path: _path(name, address, told[name], problem)
            for name, address in ADDRESSES.items()
        },
        "components": {
            "schemas": components,
            "parameters": {
                name: {"name": name, **said} for name, said in _parameters(sites).items()
            },
        },
    }


def _parameters(sites: Sequence[Site]) -> dict[str, dict[str, Any]]:
    languages = list(dict.fromkeys(code for site in sites for code in site.site.languages))
    there: dict[str, dict[str, Any]] = {
        "site": {**_PARAMETERS["site"], "schema": {**_TEXT, "enum": [site.id for site in sites]}},
        "lang": {**_PARAMETERS["lang"], "schema": {**_TEXT, "enum": languages}},
        "spoken": {**_PARAMETERS["spoken"], "schema": {**_TEXT, "enum": languages}},
    }
    return _PARAMETERS | there


def _path(
    name: str, address: Address, schema: dict[str, Any], problem: dict[str, Any]
) -> dict[str, Any]:
    asked = [part for part in _PARAMETERS if f"{{{part}}}" in address.path]
    answers: dict[str, Any] = {
        "200": {
            "description": "As asked.",
            "content": {address.kind: {"schema": schema}},
        }
    }
    if "If-None-Match" in address.also:
        answers["200"]["headers"] = {"ETag": {"required": True, "schema": _TEXT}}
        answers["304"] = {"description": "Not changed since the given ETag."}
    if asked:
        answers["404"] = _problem("There is none.", problem)
    if address.waits:
        answers["503"] = _problem("Nothing has been heard from the hub yet.", problem)
        answers["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    made: dict[str, Any] = {
        "get": {
            "operationId": name,
            "summary": address.does,
            "parameters": _references(address.also),
            "responses": answers,
        }
    }
    if asked:
        made["parameters"] = _references(asked)
    return made


def _references(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _problem(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {_PROBLEM: {"schema": schema}}}
