"""How people reach the product, and how several releases stay apart."""

import re

from tests.support.chart import CHART, Rendered, ci, profile, render


def environment(rendered: Rendered, name: str) -> dict[str, str]:
    (container,) = rendered.one("Deployment", name)["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def test_an_ingress_leads_to_the_gateway_alone() -> None:
    spec = ci("ingress").one("Ingress", "limner")["spec"]
    (rule,) = spec["rules"]
    assert rule["host"] == "label.example.org"
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/", "Prefix")
    assert path["backend"]["service"] == {"name": "limner-api", "port": {"name": "http"}}
    assert spec["tls"] == [{"secretName": "label-tls", "hosts": ["label.example.org"]}]
    assert environment(ci("ingress"), "limner-api")["LIMNER_API_IS_BEHIND_PROXY"] == "true"
    assert environment(ci("external"), "limner-api")["LIMNER_API_IS_BEHIND_PROXY"] == "false"


def test_saves_alone_may_be_sent_again_by_the_ingress() -> None:
    whole, saves = (ci("ingress").one("Ingress", name) for name in ("limner", "limner-saves"))
    again = "nginx.ingress.kubernetes.io/proxy-next-upstream"
    assert again not in whole["metadata"]["annotations"]
    assert "non_idempotent" in saves["metadata"]["annotations"][again]
    assert saves["metadata"]["annotations"].items() >= whole["metadata"]["annotations"].items()
    assert saves["spec"]["tls"] == whole["spec"]["tls"]
    (rule,) = saves["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["backend"]) == ("label.example.org", whole["spec"]["rules"][0]["http"]["paths"][0]["backend"])
    for asked, is_save in (
        ("/api/jobs/7/annotations", True),
        ("/api/tasks/12/annotations/", True),
        ("/api/jobs/7/annotations/revisions/3/restore", False),
        ("/api/tasks/12/annotations/upload-id", False),
        ("/api/tasks", False),
        ("/other/api/jobs/7/annotations", False),
    ):
        assert bool(re.match(path["path"], asked)) is is_save, asked


def test_a_route_of_the_gateway_api_keeps_the_path() -> None:
    spec = ci("gateway").one("HTTPRoute", "limner")["spec"]
    assert spec["parentRefs"] == [{"name": "public", "namespace": "gateways", "sectionName": "https"}]
    (rule,) = spec["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/team/label"}}]
    assert rule["backendRefs"] == [{"name": "limner-api", "port": 8000}]
    assert "filters" not in rule, "the product takes the path off itself"


def test_an_ingress_below_a_path_has_it() -> None:
    values = CHART / "ci" / "external-values.yaml"
    rendered = render(values, "--set", "basePath=/label,ingress.enabled=true")
    (rule,) = rendered.one("Ingress", "limner")["spec"]["rules"]
    assert "host" not in rule
    assert rule["http"]["paths"][0]["path"] == "/label"
    assert environment(rendered, "limner-api")["LIMNER_API_BASE_PATH"] == "/label"


def test_metrics_are_not_on_a_port_that_people_reach(rendered: Rendered) -> None:
    for name, service in rendered.of("Service").items():
        for port in service["spec"]["ports"]:
            assert service["spec"].get("type", "ClusterIP") == "ClusterIP", name
            assert port["targetPort"] == port["name"], name


def test_two_releases_in_a_namespace_share_nothing() -> None:
    values = CHART / "ci" / "bundled-values.yaml"
    first, second = (render(values, release=release) for release in ("zebra", "quokka"))
    names = [
        {(document["kind"], document["metadata"]["name"]) for document in rendered.documents} for rendered in (first, second)
    ]
    assert names[0] & names[1] == set()
    apart = {
        "LIMNER_KAFKA_PREFIX",
        "LIMNER_KAFKA_SERVERS",
        "LIMNER_REDIS_PREFIX",
        "LIMNER_OBJECTS_S3_BUCKET",
        "LIMNER_UPSTREAMS",
    }
    for variable in apart:
        one, other = (
            environment(rendered, f"{release}-limner-api")[variable]
            for rendered, release in ((first, "zebra"), (second, "quokka"))
        )
        assert "zebra-limner" in one and "quokka-limner" in other, variable
        assert one.replace("zebra", "quokka") == other
    for rendered, foreign in ((first, "quokka"), (second, "zebra")):
        assert foreign not in str(rendered.documents)


def test_prefixes_follow_the_release_on_shared_engines_too() -> None:
    values = CHART / "ci" / "engines-tls-values.yaml"
    given = [environment(render(values, release=release), f"{release}-limner-media") for release in ("zebra", "quokka")]
    for variable in ("LIMNER_KAFKA_PREFIX", "LIMNER_REDIS_PREFIX", "LIMNER_OBJECTS_S3_BUCKET"):
        assert given[0][variable] != given[1][variable], variable
        assert re.fullmatch(r"zebra-limner[.:]?", given[0][variable])


def test_everything_comes_from_one_registry_where_nothing_else_is_reached() -> None:
    for name in ("air-gapped", "air-gapped-trial"):
        for title, pod in profile(name).pods():
            for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
                assert container["image"].startswith("registry.internal.example/"), (title, container["image"])
            assert pod["spec"]["imagePullSecrets"] == [{"name": "limner-registry"}]


def test_the_readme_lists_every_image() -> None:
    images = {
        container["image"].removeprefix("registry.internal.example/")
        for name in ("air-gapped", "air-gapped-trial")
        for _, pod in profile(name).pods()
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])
    }
    listed = set(re.findall(r"^\| `([a-z0-9./-]+:[\w.-]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE))
    assert listed == images


def test_engines_are_official_images() -> None:
    engines = {
        container["image"].rsplit(":", 1)[0]
        for engine in profile("trial").of("StatefulSet").values()
        for container in engine["spec"]["template"]["spec"]["containers"]
    }
    assert engines == {
        *("docker.io/library/postgres", "docker.io/library/redis", "docker.io/apache/kafka", "docker.io/minio/minio")
    }


def test_engines_are_the_versions_of_the_compose_file() -> None:
    compose = (CHART.parents[1] / "compose" / "compose.yaml").read_text()
    wanted = set(re.findall(r"^    image: (\S+)$", compose, re.MULTILINE))
    found = {
        container["image"].removeprefix("docker.io/").removeprefix("library/")
        for engine in profile("trial").of("StatefulSet").values()
        for container in engine["spec"]["template"]["spec"]["containers"]
    }
    assert found == wanted
