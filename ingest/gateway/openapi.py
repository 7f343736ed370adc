"""What the HTTPS door can be asked, as an OpenAPI 3.1 document. Tests hold the door to it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ingest.gateway.ports import Refusal
from ingest.gateway.problems import PROBLEM_TYPE, SAID, Fault

_ALWAYS: Final = (Fault.BAD_REQUEST, Fault.UNKNOWN_IDENTITY, Fault.METHOD)
_TAKING: Final = (
    *_ALWAYS, Fault.NOT_FOUND, Fault.SLOW, Fault.UNSUPPORTED, Fault.EXPECTATION, *Refusal,
)  # fmt: skip
_COUNTS: Final = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "reason"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"enum": sorted(str(why) for why in SAID)},
        "accepted": {"type": "integer", "minimum": 0},
        "refused": _COUNTS,
    },
    "additionalProperties": False,
}
_ACCEPTED: Final = {
    "type": "object",
    "required": ["accepted"],
    "properties": {"accepted": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}
_REFUSED: Final = {
    "type": "object",
    "required": ["refused"],
    "properties": {"refused": _COUNTS},
    "additionalProperties": False,
}


def _refusals(whys: Iterable[Fault | Refusal]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for why in whys:
        status, title = SAID[why]
        one = responses.setdefault(
            str(status),
            {
                "description": "",
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        one["description"] = f"{one['description']} {why}: {title}".strip()
        if why in (Refusal.TOO_FAST, Refusal.UNAVAILABLE):
            one["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return responses


def _answers(status: str, says: str, schema: Any, whys: Iterable[Fault | Refusal]) -> Any:
    given = {"description": says, "content": {"application/json": {"schema": schema}}}
    return {status: given} | _refusals(whys)


def _taking(summary: str, content: Any, parameters: Any = ()) -> Any:
    encoding = {
        "name": "Content-Encoding",
        "in": "header",
        "schema": {"enum": ["identity", "gzip"]},
        "description": "One gzip member, or none.",
    }
    return {
        "summary": summary,
        "parameters": [encoding, *parameters],
        "requestBody": {"required": True, "content": content},
        "responses": _answers(
            "202", "All of it is durable, or was there before.", _ACCEPTED, _TAKING
        ),
    }


def document() -> dict[str, Any]:
    """The document. An envelope's own shape is its JSON Schema's, which is not repeated here."""
    envelope = {"type": "object", "required": ["v", "id", "device", "clock"]}
    one_or_many = {"oneOf": [envelope, {"type": "array", "items": envelope, "minItems": 1}]}
    lines = {"schema": {"type": "string"}}
    any_bytes = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    own = {"parameters": [], "summary": "What was refused of this device, by reason."}
    tag = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Roadfade gateway", "version": "1"},
        "paths": {
            "/v1/envelopes": {
                "post": _taking(
                    "Envelopes of one device, one or many.",
                    {"application/json": {"schema": one_or_many}, "application/x-ndjson": lines},
                )
            },
            "/v1/formats/{name}": {
                "post": _taking("One message in a format of others.", any_bytes, [name])
            },
            "/v1/rejects": {
                "get": own | {"responses": _answers("200", "Counts.", _REFUSED, _ALWAYS)}
            },
            "/v1/collect": {
                "get": {
                    "summary": "The signed list of what this device is asked to collect.",
                    "parameters": [tag],
                    "responses": _answers("200", "The list.", {}, (*_ALWAYS, Fault.NO_LIST))
                    | {"304": {"description": "It is the one that the device has."}},
                }
            },
        },
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {
                "certificate": {"type": "mutualTLS"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"certificate": []}, {"token": []}],
    }


OPENAPI: Final = msgspec.json.encode(document())
