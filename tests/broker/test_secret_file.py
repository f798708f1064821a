"""Secrets that are root's reach a process by systemd (`LoadCredential=`)."""

from pathlib import Path

import pytest

from broker.service import secret_file


def test_a_secret_that_systemd_hands_over_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hub.key").write_text("ours")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_file("/etc/machiai/pki/hub.key") == str(tmp_path / "hub.key")
    assert secret_file("/etc/machiai/pki/web.key") == "/etc/machiai/pki/web.key", "not handed over"


def test_without_systemd_it_is_where_the_site_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert secret_file("/etc/machiai/pki/hub.key") == "/etc/machiai/pki/hub.key"
