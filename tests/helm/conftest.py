"""Everything the chart can render: each file of ``ci/`` and each profile."""

import pytest

from tests.support.chart import CI_FILES, Rendered, profile, render

PROFILES = ("trial", "production", "air-gapped", "air-gapped-trial")


@pytest.fixture(params=[*(path.stem.removesuffix("-values") for path in CI_FILES), *PROFILES])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    paths = {path.stem.removesuffix("-values"): path for path in CI_FILES}
    return render(paths[request.param]) if request.param in paths else profile(request.param)
