"""The ``limner`` command where not all of the product is installed, as in the images of services."""

import sys

import pytest

from limner_allinone.__main__ import main


def test_a_service_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "limner_media.core.manifests", None)
    monkeypatch.setattr("sys.argv", ["limner", "manifest", "create", "pictures"])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.startswith("limner: limner_media is not installed here. Use the image of that service, or `tools`")


def test_a_library_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setattr("limner_allinone.__main__._create_manifest", lambda _arguments: __import__("uvloop"))
    monkeypatch.setattr("sys.argv", ["limner", "manifest", "create", "pictures"])
    with pytest.raises(ModuleNotFoundError):
        main()
