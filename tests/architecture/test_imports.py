"""Starting a service loads nothing that only its work needs."""

import pytest

from tests.architecture.sources import SERVICES
from tests.architecture.starting import start_of

#: Libraries that cost much time or memory to load, and are loaded by the work that needs them.
HEAVY = ("av", "cv2", "scipy", "shapely", "PIL", "lxml", "pypdfium2", "pycocotools", "minio")

#: media names functions of its picture and video modules to its child processes, so it loads these two with them (21 MB).
TRADE = {"media": {"av", "PIL"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_heavy_libraries(service: str) -> None:
    loaded = start_of(service).loaded
    assert [name for name in HEAVY if name in loaded and name not in TRADE.get(service, ())] == []
