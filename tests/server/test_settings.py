"""Settings: environment over file, errors that name file and key, the secret key."""

import stat
from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, load_settings, with_secret_key


def test_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the environment says wins over settings.toml; the rest of the file still counts."""
    (tmp_path / "settings.toml").write_text('port = 9000\nlanguage = "en"\n')
    monkeypatch.setenv("AFTERSHEET_HOME", str(tmp_path))
    monkeypatch.setenv("AFTERSHEET_PORT", "9100")

    settings = load_settings()

    assert (settings.home, settings.port, settings.language) == (tmp_path, 9100, "en")


def test_bad_value_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An administrator reads which variable to correct."""
    monkeypatch.setenv("AFTERSHEET_PORT", "eighty")

    with pytest.raises(SettingsError, match="AFTERSHEET_PORT"):
        load_settings(home=tmp_path)


@pytest.mark.parametrize("line", ['zone = "Mars/Olympus"', "zone = 8", 'colour = "red"', "port = "])
def test_bad_file_names_file_and_key(tmp_path: Path, line: str):
    """A wrong value, an unknown key and broken TOML each name the file, and the key where there is one."""
    path = tmp_path / "settings.toml"
    path.write_text(line + "\n")

    with pytest.raises(SettingsError) as error:
        load_settings(home=tmp_path)

    assert str(path) in str(error.value)
    if not line.endswith("= "):
        assert line.partition(" ")[0] in str(error.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('path = "/srv/a"', "who may register"),
        ('path = "/srv/a"\nusers = []', "who may register"),
        ('path = "/srv/a"\nusers = ["chen"]', None),
        ('path = "/srv/a"\nmanagers = true', None),
        ('path = "{home}/originals"\nmanagers = true', "data folder"),
        ('path = "{home}/.."\nmanagers = true', "data folder"),
        ('url = "https://u:p@h/"\nmanagers = true', "https://host"),
    ],
)
def test_a_share_says_who_may_use_it_and_holds_no_data(tmp_path: Path, lines: str, said: str | None):
    """A line left out opens nothing: the server does not start, and names file, share and what to write."""
    text = '[[shares]]\nname = "盘"\n' + lines.format(home=tmp_path) + "\n"
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")

    if said is None:
        assert [share.name for share in load_settings(home=tmp_path).shares] == ["盘"]
        return
    with pytest.raises(SettingsError) as error:
        load_settings(home=tmp_path)
    assert all(words in str(error.value) for words in (said, "盘", "settings.toml: shares"))


def test_secret_key_is_made_once_and_private(tmp_path: Path):
    """The first start makes the key, readable by its owner only; the next one finds the same."""
    first = with_secret_key(Settings(home=tmp_path))
    second = with_secret_key(Settings(home=tmp_path))

    assert len(first.secret_key) >= 43
    assert first.secret_key == second.secret_key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


def test_damaged_secret_key_stops_the_start(tmp_path: Path):
    """An empty key file would sign sessions with nothing."""
    (tmp_path / "secret.key").write_text("\n")

    with pytest.raises(SettingsError, match=r"secret\.key"):
        with_secret_key(Settings(home=tmp_path))


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_urls_use_the_driver_we_install(url: str):
    """Hosting providers hand out all three spellings."""
    assert Settings(database_url=url).database == "postgresql+psycopg://u@h/d"
