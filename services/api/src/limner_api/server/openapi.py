"""The OpenAPI document of the public API: this service's routes and those the gateway forwards."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import yaml
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from limner_api.lists import resources
from limner_api.lists.resources import ListSpec
from limner_api.server.answers import ANSWERS
from limner_api.server.version import API_VERSION
from limner_common.http.json import COMPAT_JSON

Document = dict[str, Any]

_SECURITY_SCHEMES = {
    "sessionAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    "csrfAuth": {"type": "apiKey", "in": "cookie", "name": "csrftoken"},
    "csrfHeaderAuth": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
    "tokenAuth": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <login key>"},
    "accessTokenAuth": {"type": "http", "scheme": "bearer"},
    "basicAuth": {"type": "http", "scheme": "basic"},
}
_LISTS: Mapping[str, ListSpec] = {
    "/api/projects": resources.PROJECTS,
    "/api/tasks": resources.TASKS,
    "/api/jobs": resources.JOBS,
    "/api/labels": resources.LABELS,
    "/api/users": resources.USERS,
    "/api/organizations": resources.ORGANIZATIONS,
    "/api/memberships": resources.MEMBERSHIPS,
    "/api/invitations": resources.INVITATIONS,
    "/api/requests": resources.REQUESTS,
    "/api/auth/access_tokens": resources.ACCESS_TOKENS,
}
_SCHEMA_PATH = "#/components/schemas/{model}"


def public_document(app: FastAPI, others: Iterable[Document] = ()) -> Document:
    """Return the document of the public routes.

    Args:
        app: This service's application.
        others: Documents of the services whose routes the gateway forwards.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for document in (*others, app.openapi()):
        paths |= {path: dict(item) for path, item in document["paths"].items() if path.startswith("/api/")}
        schemas |= document.get("components", {}).get("schemas", {})
    _describe_answers(paths, schemas)
    _describe_lists(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Limner REST API", "version": API_VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _SECURITY_SCHEMES},
        "security": [
            {"sessionAuth": [], "csrfAuth": [], "csrfHeaderAuth": []},
            {"tokenAuth": []},
            {"accessTokenAuth": []},
            {"basicAuth": []},
        ],
    }


def as_json(document: Document) -> bytes:
    """Encode a document as JSON."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def as_yaml(document: Document) -> bytes:
    """Encode a document as YAML."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, allow_unicode=True, sort_keys=False)
    return text.encode()


def _describe_answers(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    models = sorted({model for _, model in ANSWERS.values()}, key=lambda model: model.__name__)
    references, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_SCHEMA_PATH)
    schemas |= definitions.get("$defs", {})
    for (method, path), (status, model) in ANSWERS.items():
        operation = paths.get(path, {}).get(method)
        if operation is None:
            continue
        content = {COMPAT_JSON: {"schema": references[(model, "serialization")]}}
        failures = {code: answer for code, answer in operation["responses"].items() if not code.startswith("2")}
        success = {str(status): {"description": "Success", "content": content}}
        paths[path][method] = {**operation, "responses": success | failures}


def _describe_lists(paths: dict[str, Any]) -> None:
    for path, spec in _LISTS.items():
        operation = paths.get(path, {}).get("get")
        if operation is not None:
            paths[path]["get"] = {**operation, "parameters": _list_parameters(spec)}


def _list_parameters(spec: ListSpec) -> list[dict[str, Any]]:
    shared = {
        "page": ("integer", "Number of the page, from 1."),
        "page_size": ("string", "Rows of a page, or `all`."),
        "search": ("string", f"Words to find in: {', '.join(spec.search)}."),
        "sort": ("string", f"Fields to sort by, `-` before one for descending: {', '.join(sorted(spec.sort))}."),
        "filter": ("string", f"JSON logic over: {', '.join(sorted(spec.filter))}."),
    }
    named = {name: ("string", f"Only rows whose {name} is this.") for name in sorted(spec.simple)}
    return [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": kind}}
        for name, (kind, text) in {**shared, **named}.items()
    ]
