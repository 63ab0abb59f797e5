"""What the server says of itself, its share, and that nothing is answered to nobody."""

from pathlib import Path

import pytest
import yaml

from limner_api.app import INTERNAL_ROUTERS
from tests.integration.api.conftest import Api
from tests.support.metrics import samples

#: Everything that may be asked without signing in.
OPEN = {
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/password/reset"),
    ("POST", "/api/auth/password/reset/confirm"),
    ("GET", "/api/auth/rules"),
    ("GET", "/api/server/about"),
    ("GET", "/api/schema"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/internal/api/openapi.json"),
    ("HEAD", "/internal/api/openapi.json"),
}


async def all_routes(api: Api) -> set[tuple[str, str]]:
    """Return method and path of every route, the gateway's too."""
    app = api.bench.installation.app("api")
    document = app.openapi()  # type: ignore[attr-defined]
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    plain = {
        (method, route.path)
        for route in app.routes  # type: ignore[attr-defined]
        if type(route).__module__.startswith("starlette")
        for method in getattr(route, "methods", None) or ("GET", "POST", "PUT", "PATCH", "DELETE")
    }
    return described | plain


async def test_nothing_but_the_open_routes_answers_nobody(api: Api) -> None:
    client = await api.anonymous()
    answered = []
    routes = await all_routes(api)
    assert len(routes) > 60
    for method, path in sorted(routes - OPEN):
        concrete = path.replace("{", "").replace("}", "").replace(":path", "")
        status = (await client.request(method, concrete)).status_code
        if status not in (401, 405):
            answered.append((method, path, status))
    assert answered == []


async def test_internal_routes_are_not_for_people(api: Api) -> None:
    admin = await api.admin()
    paths = {route.path for router in INTERNAL_ROUTERS for route in router.routes}  # type: ignore[attr-defined]
    assert paths
    for path in paths:
        assert path.startswith("/internal/")
        assert (await admin.get(path.replace("{", "").replace("}", ""))).status_code in (401, 405)


async def test_about_has_what_clients_require(api: Api) -> None:
    body = (await (await api.anonymous()).get("/api/server/about")).json()
    assert {name: type(body[name]) for name in ("name", "description", "version", "logo_url", "subtitle")} == dict.fromkeys(
        ("name", "description", "version", "logo_url", "subtitle"), str
    )
    assert body["version"] == "2.80.0"


async def test_both_slash_forms_are_answered(api: Api) -> None:
    client = await api.anonymous()
    assert (await client.get("/api/server/about/")).json() == (await client.get("/api/server/about")).json()


@pytest.mark.parametrize(
    ("query", "accept", "is_json"),
    [
        ("?scheme=json", "*/*", True),
        ("?scheme=yaml", "application/json", False),
        ("", "application/vnd.oai.openapi+json", True),
        ("", "application/vnd.oai.openapi, application/yaml, application/json", False),
    ],
)
async def test_schema_describes_the_public_routes(api: Api, query: str, accept: str, is_json: bool) -> None:
    answer = await (await api.anonymous()).get(f"/api/schema/{query}", headers={"Accept": accept})
    document = answer.json() if is_json else yaml.safe_load(answer.text)
    assert document["openapi"].startswith("3.")
    assert "/api/users/self" in document["paths"]
    assert all(path.startswith("/api/") for path in document["paths"])


async def test_plugins_are_flags(api: Api) -> None:
    body = (await (await api.admin()).get("/api/server/plugins")).json()
    assert set(body) >= {"ANALYTICS", "MODELS"}
    assert set(map(type, body.values())) == {bool}


async def test_malformed_json_is_the_clients_mistake(api: Api) -> None:
    answer = await (await api.anonymous()).post(
        "/api/auth/login", content=b'{"username":', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()[0].startswith("JSON parse error")


class TestShare:
    @pytest.fixture
    def share(self, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "share"
        (folder / "sub" / "deeper").mkdir(parents=True)
        for name in ("b.JPG", "a.mp4", "notes.txt", "sub/inside.png"):
            (folder / name).write_bytes(b"x")
        (tmp_path / "secret.txt").write_text("secret")
        (folder / "out").symlink_to(tmp_path)
        (folder / "again").symlink_to(folder / "sub")
        settings = api.container.resources.settings.model_copy(update={"share_folder": folder})
        resources = api.container.resources
        monkeypatch.setattr(
            api.container,
            "resources",
            type(resources)(
                **{name: getattr(resources, name) for name in resources.__dataclass_fields__ if name != "settings"},
                settings=settings,
            ),
        )
        return folder

    async def names(self, api: Api, query: str) -> list[tuple[str, str, str]]:
        entries = (await (await api.admin()).get(f"/api/server/share?{query}")).json()
        return [(entry["type"], entry["name"], entry["mime_type"]) for entry in entries]

    async def test_folders_come_first(self, api: Api, share: Path) -> None:
        assert await self.names(api, "directory=/") == [
            ("DIR", "again", "DIR"),
            ("DIR", "sub", "DIR"),
            ("REG", "a.mp4", "video"),
            ("REG", "b.JPG", "image"),
            ("REG", "notes.txt", "unknown"),
        ]

    async def test_subfolder_and_search(self, api: Api, share: Path) -> None:
        assert await self.names(api, "directory=sub/&search=INSIDE") == [("REG", "inside.png", "image")]

    @pytest.mark.parametrize("directory", ["..", "../", "/../", "sub/../..", "out", "nothing", "a.mp4", "%00", "/etc"])
    async def test_nothing_outside_is_shown(self, api: Api, share: Path, directory: str) -> None:
        answer = await (await api.admin()).get(f"/api/server/share?directory={directory}")
        assert answer.status_code == 400
        assert answer.json()[0].endswith("is an invalid directory")

    async def test_workers_may_not_look(self, api: Api, share: Path) -> None:
        client = await api.user("willy", groups=["worker"])
        assert (await client.get("/api/server/share")).status_code == 403


async def test_metrics_are_for_administrators(api: Api) -> None:
    assert (await (await api.anonymous()).get("/metrics")).status_code == 401
    user = await api.user("ann")
    assert (await user.get("/metrics")).status_code == 403
    answer = await (await api.admin()).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert samples(answer.text, "limner_database_is_up")["api",] == 1
    assert samples(answer.text, "limner_build_info")


async def test_a_method_that_nobody_knows_makes_no_series_of_its_own(api: Api) -> None:
    client = await api.anonymous()
    for method in ("BREW", "STEEP"):
        await client.request(method, "/api/server/about")
    page = (await (await api.admin()).get("/metrics")).text
    methods = {labels[0] for labels in samples(page, "limner_http_request_seconds_count")}
    assert "OTHER" in methods and not {"BREW", "STEEP"} & methods
