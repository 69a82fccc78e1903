"""Downloads from a hub on this machine, broken off and taken up again."""

import random
import shutil
import socket
import threading
import time

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

import mlip_core as mlip
from mlip_core.errors import Cancelled, ModelError
from mlip_core.home import models_folder
from mlip_core.models import download as downloads
from mlip_core.models.catalogue import entry
from mlip_core.models.download import arrived, bring, byte_count, download, partial
from mlip_core.models.files import hub_cache
from mlip_core.models.hub import knock, published

CHUNK = 1 << 18
CONTENT = random.Random(1).randbytes(3 * CHUNK + 12_345)
NEWEST = "pet-mad-s-v1.10.0.ckpt"


@pytest.fixture
def hub(home, toy_hub):
    return toy_hub({"pet-mad-s-v1.9.0.ckpt": b"old", NEWEST: CONTENT, "pet-mad-m-v2.0.0.ckpt": b"larger"})


@pytest.fixture
def nowhere(home, toy_hub):
    """An address at which nobody is."""
    gone = toy_hub({NEWEST: CONTENT})
    gone.stop()
    return gone


def test_the_newest_version_is_offered_with_size_and_checksum(hub):
    offer = published("pet-mad-s")
    assert (offer.name, offer.version, offer.size) == (NEWEST, "1.10.0", len(CONTENT))
    assert hub.asked == []


def test_what_is_downloaded_is_what_the_hubs_own_package_finds(hub):
    rows = []
    path = bring(entry("pet-mad-s"), progress=lambda done, total: rows.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert rows[0] == (0, len(CONTENT))
    assert rows[-1] == (len(CONTENT), len(CONTENT))
    assert rows == sorted(rows)
    assert len(set(rows)) >= 4
    assert entry("pet-mad-s").path() == path
    assert try_to_load_from_cache("lab-cosmo/upet", f"models/{NEWEST}") == str(path)
    assert hf_hub_download("lab-cosmo/upet", NEWEST, subfolder="models", local_files_only=True) == str(path)
    assert not scan_cache_dir(hub_cache().parent).warnings
    assert bring(entry("pet-mad-s")) == path
    assert hub.asked == [0]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub):
    hub.cut_after = [CHUNK + 1000, 2000]
    assert download(published("pet-mad-s")).read_bytes() == CONTENT
    assert hub.asked[0] == 0
    assert hub.asked == [0, CHUNK + 1000, CHUNK + 3000]


def test_what_came_before_a_long_break_is_kept_and_not_asked_for_again(hub):
    offer = published("pet-mad-s")
    hub.cut_after = [CHUNK + 1000, 0]
    with pytest.raises(ModelError, match=r"broke.*kB have come and are kept") as caught:
        download(offer)
    assert byte_count(arrived(offer)) in str(caught.value)
    assert arrived(offer) == CHUNK + 1000
    assert not entry("pet-mad-s").available()
    here = arrived(offer)
    assert partial(offer).read_bytes() == CONTENT[:here]
    assert download(offer).read_bytes() == CONTENT
    assert hub.asked[-1] == here
    assert not partial(offer).exists()


def test_who_cancels_stops_it_and_may_go_on(hub):
    offer = published("pet-mad-s")

    def stop(done, total):
        if done > CHUNK:
            raise Cancelled

    with pytest.raises(Cancelled):
        download(offer, progress=stop)
    assert CHUNK < arrived(offer) <= 2 * CHUNK
    assert download(offer).read_bytes() == CONTENT
    assert hub.asked == [0, hub.asked[1]]


def test_a_hub_that_cannot_send_a_part_sends_all_of_it_again(hub):
    offer = published("pet-mad-s")
    hub.knows_ranges = False
    hub.cut_after = [CHUNK + 1000, 0]
    with pytest.raises(ModelError, match="broke"):
        download(offer)
    assert download(offer).read_bytes() == CONTENT


def test_content_that_is_not_as_published_is_thrown_away(hub):
    offer = published("pet-mad-s")
    hub.wrong = True
    with pytest.raises(ModelError, match=r"SHA-256.*Download it again"):
        download(offer)
    assert arrived(offer) == 0
    assert not entry("pet-mad-s").available()
    hub.wrong = False
    assert download(offer).read_bytes() == CONTENT


def test_more_than_was_published_is_not_kept(hub):
    offer = published("pet-mad-s")
    partial(offer).parent.mkdir(parents=True)
    partial(offer).write_bytes(CONTENT + b"more")
    assert download(offer).read_bytes() == CONTENT


def test_a_full_disk_is_said_before_anything_is_asked_for(hub, monkeypatch):
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(ModelError, match=r"needs 799 kB more .* HF_HOME"):
        download(published("pet-mad-s"))
    assert hub.asked == []


def test_a_cache_that_cannot_be_written_is_said(hub):
    offer = published("pet-mad-s")
    partial(offer).parent.parent.parent.mkdir(parents=True, exist_ok=True)
    partial(offer).parent.parent.write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="cannot be kept in"):
        download(offer)


def test_two_who_want_the_same_file_fetch_it_once(hub):
    offer, seen = published("pet-mad-s"), []
    hub.seconds_a_piece = 0.02
    first = threading.Thread(target=download, args=(offer,))
    first.start()
    while not hub.asked:
        time.sleep(0.01)
    path = download(offer, progress=lambda done, total: seen.append(done))
    first.join()
    assert path.read_bytes() == CONTENT
    assert hub.asked == [0]
    assert 0 < seen[0] < len(CONTENT)


def test_without_a_network_the_sentence_comes_soon_and_names_the_way_round(nowhere):
    began = time.monotonic()
    with pytest.raises(
        ModelError, match=r"pet-mad-s-v<version>\.ckpt into .*cannot be reached \(Connection refused\)"
    ) as caught:
        mlip.load_model("pet-mad-s")
    assert time.monotonic() - began < 3
    assert str(models_folder()) in str(caught.value)
    assert isinstance(caught.value.__cause__.__cause__, ConnectionRefusedError)


def test_a_name_that_is_looked_up_for_ever_is_given_up_soon(nowhere, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(20) and [])
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"cannot be reached \(no answer within 2\.5 s\)"):
        published("pet-mad-s")
    assert time.monotonic() - began < 3
    never.set()


def test_it_knocks_at_the_proxy_where_there_is_one(nowhere, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.getsockname()[1]}")
        knock()
        proxy.settimeout(2)
        proxy.accept()[0].close()


def test_a_model_that_the_hub_lacks_is_named(hub):
    with pytest.raises(ModelError, match=r"pet-oam-xl-v<version>\.ckpt into .*has no checkpoint of pet-oam-xl"):
        bring(entry("pet-oam-xl"))


def test_a_name_of_the_hub_loads_as_the_file_does(home, toy_hub, tiny_pet, crystal):
    content = (tiny_pet / "tiny.ckpt").read_bytes()
    hub = toy_hub({"pet-mad-s-v1.5.0.ckpt": content})
    hub.cut_after = [len(content) // 2]
    model = mlip.load_model("pet-mad-s", forces="direct")
    assert len(hub.asked) == 2
    ours, theirs = (
        one.predict([crystal])[0] for one in (model, mlip.load_model(tiny_pet / "tiny.ckpt", forces="direct"))
    )
    assert ours.energy == theirs.energy
    assert (ours.forces == theirs.forces).all()
