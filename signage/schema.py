"""OpenAPI and JSON Schema of the feed, made from its types."""

from typing import Any

import msgspec

from signage.feed import Problem, SiteDocument, Sites

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SITE_SCHEMA = "/api/v1/schema/site.json"


def site_schema() -> dict[str, Any]:
    """JSON Schema of `/api/v1/sites/{site}`."""
    return {"$schema": DRAFT, "$id": SITE_SCHEMA, **msgspec.json.schema(SiteDocument)}


def openapi(version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of everything below `/api/v1`."""
    refs, components = msgspec.json.schema_components(
        (SiteDocument, Sites, Problem), ref_template="#/components/schemas/{name}"
    )
    document, sites, problem = refs
    site = {
        "name": "site",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"},
    }
    missing = _problem("No such site.", problem)
    starting = _problem("Nothing has been heard from the hub yet.", problem)
    starting["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "machiai: how busy is the office",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/api/v1/sites": {
                "get": {
                    "operationId": "sites",
                    "summary": "The offices that are served here",
                    "responses": {
                        "200": _answer("The offices.", "application/json", sites),
                        "304": {"description": "Not changed since the given ETag."},
                    },
                }
            },
            "/api/v1/sites/{site}": {
                "parameters": [site],
                "get": {
                    "operationId": "site",
                    "summary": "How busy an office is now",
                    "responses": {
                        "200": _answer("The document.", "application/json", document),
                        "304": {"description": "Not changed since the given ETag."},
                        "404": missing,
                        "503": starting,
                    },
                },
            },
            "/api/v1/sites/{site}/stream": {
                "parameters": [site],
                "get": {
                    "operationId": "stream",
                    "summary": "The document at each change, as server-sent events",
                    "responses": {
                        "200": _answer(
                            'Events `snapshot` (the document) and `ping` (`{"now": ms}`).',
                            "text/event-stream",
                            {"type": "string"},
                        ),
                        "404": missing,
                    },
                },
            },
        },
        "components": {"schemas": components},
    }


def _answer(description: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _problem(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return _answer(description, "application/problem+json", schema)
