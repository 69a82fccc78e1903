"""What the Line-up page says of a model that only the hub has."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.downloads import Download, on_its_way
from mlip_core.models.catalogue import entry

CONTENT = bytes(range(256)) * 4096
NAME = "pet-mad-s-v1.5.0.ckpt"


@pytest.fixture
def hub(home, toy_hub):
    on_its_way.clear()
    yield toy_hub({NAME: CONTENT})
    on_its_way.clear()


@pytest.fixture
def way(hub):
    return Download("pet-mad-s")


def rested(way):
    """Wait until nothing is on its way."""
    deadline = time.monotonic() + 30
    while way.doing and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not way.doing
    return way


def shown():
    """The panel alone."""
    from dashboard.widgets.model_download import model_download
    from mlip_core.models.catalogue import entry

    model_download(entry("pet-mad-s"), key="test")


def panel():
    test = AppTest.from_function(shown, default_timeout=30).run()
    rested(on_its_way("pet-mad-s"))
    return test.run()


def words(test):
    return " ".join(element.value for kind in (test.markdown, test.caption, test.warning) for element in kind)


def test_licence_version_and_size_stand_there_before_the_click(hub):
    test = panel()
    assert not test.exception
    assert "PET-MAD S is not on this machine" in words(test)
    assert "licence of the weights: **BSD\\-3\\-Clause**" in words(test)
    assert "1\\.5\\.0" in words(test)
    assert [button.label for button in test.button] == ["Download 1.0 MB"]
    assert hub.asked == []


def test_without_a_network_it_says_so_and_offers_to_ask_again(hub):
    hub.stop()
    test = panel()
    assert "cannot be reached" in words(test)
    assert "pet-mad-s-v<version>.ckpt" in words(test)
    hub.start(hub.port)
    test.button[0].click().run()
    rested(on_its_way("pet-mad-s"))
    assert [button.label for button in test.run().button] == ["Download 1.0 MB"]


def test_after_a_cut_it_offers_to_go_on_or_to_throw_away(hub):
    hub.cut_after = [700_000, 0]
    test = panel()
    test.button[0].click().run()
    rested(on_its_way("pet-mad-s"))
    test.run()
    assert "kept" in words(test)
    assert [button.label for button in test.button] == ["Go on: 349 kB of 1.0 MB to come", "Throw away what has come"]
    test.button[1].click().run()
    assert [button.label for button in test.button] == ["Download 1.0 MB"]
    assert "kept:" not in words(test)


def test_a_download_tells_bytes_and_rate_and_can_be_cancelled(way, hub):
    hub.seconds_a_piece = 0.01
    way.ask()
    assert rested(way).offer.size == len(CONTENT)
    way.start()
    while way.rate == 0:
        assert way.doing == "loading"
        time.sleep(0.01)
    assert 0 < way.rate < 10 * (1 << 14) / 0.01
    way.cancel()
    assert 0 < rested(way).here < len(CONTENT)
    assert way.problem == ""
    assert not entry("pet-mad-s").available()
    way.start()
    rested(way)
    assert way.problem == ""
    assert entry("pet-mad-s").path().read_bytes() == CONTENT


def test_it_is_asked_once_however_many_look(way, hub):
    hub.seconds_a_piece = 0.005
    way.ask()
    rested(way)
    for _ in range(5):
        way.start()
    rested(way)
    assert hub.asked == [0]


def test_what_nobody_foresaw_is_said(way, monkeypatch):
    monkeypatch.setattr("dashboard.downloads.published", lambda name: 1 / 0)
    way.ask()
    assert "ZeroDivisionError" in rested(way).problem
