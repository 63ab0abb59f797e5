"""The OpenAPI document of the public API."""

from typing import Any

import orjson
import yaml
from fastapi import FastAPI

from limner_api.server.version import API_VERSION

_SECURITY_SCHEMES = {
    "sessionAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    "csrfAuth": {"type": "apiKey", "in": "cookie", "name": "csrftoken"},
    "csrfHeaderAuth": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
    "tokenAuth": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <login key>"},
    "accessTokenAuth": {"type": "http", "scheme": "bearer"},
    "basicAuth": {"type": "http", "scheme": "basic"},
}


def public_document(app: FastAPI) -> dict[str, Any]:
    """Return the document of the public routes; those of other services are not in it."""
    document = app.openapi()
    return {
        **document,
        "info": {"title": "Limner REST API", "version": API_VERSION},
        "paths": {path: item for path, item in document["paths"].items() if path.startswith("/api/")},
        "components": {**document.get("components", {}), "securitySchemes": _SECURITY_SCHEMES},
        "security": [
            {"sessionAuth": [], "csrfAuth": [], "csrfHeaderAuth": []},
            {"tokenAuth": []},
            {"accessTokenAuth": []},
            {"basicAuth": []},
        ],
    }


def as_json(document: dict[str, Any]) -> bytes:
    """Encode a document as JSON."""
    return orjson.dumps(document)


def as_yaml(document: dict[str, Any]) -> bytes:
    """Encode a document as YAML."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, allow_unicode=True, sort_keys=False)
    return text.encode()
