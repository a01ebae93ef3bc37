"""A page to send: every kind of result, its size, what is escaped, what is said when something is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from humanav.cli.main import main
from humanav.errors import InputError, StorageError
from humanav.results import Result
from humanav.results.licences import LICENCES
from humanav.share import MOST_BYTES, share_page, write, write_share_page
from humanav.share.page import date
from tests.share import made

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e&amp; {{x}} humanav-part:player.js'


class Seen(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and addresses that would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.words.append(data)


def looked_at(page: str) -> Seen:
    seen = Seen()
    seen.feed(page)
    return seen


def views_of(page: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(re.search(r'id="views">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Result]:
    """The small result of each kind, made once."""
    known: dict[str, Result] = {}

    def of(kind: str) -> Result:
        if kind not in known:
            known[kind] = made.KINDS[kind](tmp_path_factory.mktemp("result") / "out")
        return known[kind]

    return of


EXPECTED = {
    "avatar": ["Avatar"], "gaussian": ["Gaussians", "Before and after", "Mesh"], "denoise": ["Before and after"],
    "path": ["Both ways", "Along the manifold"], "poses": ["Poses"], "uplift": ["In 3D", "With the video"],
    "track": ["Before and after", "In their world"], "track of one": ["Before and after", "In 3D"],
    "capture": ["Everybody in 3D", "In every camera", "Before and after"], "trained": ["Avatar"],
    "other": ["Once round the avatar"]}


@pytest.mark.parametrize("kind", made.KINDS)
def test_every_kind_has_its_page(kind: str, results: Callable[[str], Result], tmp_path: Path) -> None:
    path = write_share_page(results(kind), tmp_path / "share.html", title="For you")
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_size < MOST_BYTES
    assert [view["name"] for view in views_of(page)] == EXPECTED[kind]
    keys = set(re.findall(r'data-part="([^"]+)"', page))
    for view in views_of(page):
        assert set(re.findall(r"humanav-part:([A-Za-z0-9._-]+)", view["page"])) <= keys
    seen = looked_at(page)
    assert "For you" in seen.words
    assert "Not on this page" not in page
    assert "private" not in page  # names of inputs are not told
    for tag, attributes in seen.tags:
        for name in ("src", "href", "srcset", "poster", "data", "action", "srcdoc"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import", page.split("</style>")[0])


@pytest.mark.parametrize("kind", ["avatar", "uplift", "track", "capture", "other"])
def test_pictures_can_stay_at_home(kind: str, results: Callable[[str], Result]) -> None:
    if kind == "other":
        with pytest.raises(InputError, match="nothing to look at"):
            share_page(results(kind), pictures=False)
        return
    page = share_page(results(kind), pictures=False)
    assert page.count("data:image/jpeg;base64") == (kind == "avatar")  # a picture of the avatar, for want of scripts
    assert 'data-mime="video/mp4"' not in page
    assert views_of(page)


def test_words_from_outside_are_escaped(results: Callable[[str], Result]) -> None:
    result = results("track of one")
    hostile = replace(result, created=HOSTILE, report=result.report | {"quality": HOSTILE, "warnings": [HOSTILE, 7]})
    page = share_page(hostile, title=HOSTILE)
    plain = looked_at(share_page(result, title="x"))
    seen = looked_at(page)
    assert len([tag for tag, _ in seen.tags if tag == "script"]) == len([t for t, _ in plain.tags if t == "script"])
    assert not any("onerror" in attributes for _, attributes in seen.tags)
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "humanav-part:player.js" not in "".join(view["page"] for view in views_of(page)).split("<body>")[0]
    long = share_page(result, title="word " * 500)
    assert len(re.search(r"<h1[^>]*>(.*?)</h1>", long)[1]) <= 160  # type: ignore[index]


def test_names_of_a_capture_are_escaped(results: Callable[[str], Result]) -> None:
    result = results("capture")
    report = result.report | {"names": ["cam 1", '"><script>alert(1)</script>'], "people": ["1", "<b>2"]}
    page = share_page(replace(result, report=report))
    assert "<script>alert" not in page
    assert "<b>2" not in page


def test_the_link_is_an_address_of_the_web(results: Callable[[str], Result]) -> None:
    page = share_page(results("poses"), link='https://example.org/?result=a&b="x')
    assert 'href="https://example.org/?result=a&amp;b=&quot;x"' in page
    for wrong in ("javascript:alert(1)", "file:///etc/passwd", "example.org", "https://", "data:text/html,x", "http://["):
        with pytest.raises(InputError, match="no address of a page"):
            share_page(results("poses"), link=wrong)


def test_licences_and_date_are_told(results: Callable[[str], Result]) -> None:
    result = results("poses")
    page = share_page(replace(result, created="2026-11-29T04:00:00Z", licences=(
        LICENCES["posendf"], LICENCES["body"], LICENCES["yours"])))
    assert "29 November 2026" in page
    assert "distance to real poses (Apache-2.0); built-in body (CC0 1.0)" in page
    assert "mocap.cs.cmu.edu" in page
    assert "Permission is hereby granted" in page  # of three.js, which the page carries
    assert "(CC0 1.0)" in share_page(replace(result, licences=()))
    terms = write._terms(replace(result, licences=tuple(LICENCES.values())))
    assert terms[0].startswith("It rests on: sample photos, clips and captures, built-in motions")
    assert ", MediaPipe's larger pose network" in terms[0]
    assert sum("harmful" in sentence or "research only" in sentence for sentence in terms) == 2
    assert date("once") == "once"
    assert date("2026-13-01") == "2026-13-01"


def test_what_fits_is_whole(results: Callable[[str], Result]) -> None:
    page = share_page(results("track of one"))
    assert share_page(results("track of one"), most_bytes=len(page.encode())) == page


def test_a_large_result_is_made_smaller_and_says_so(tmp_path: Path) -> None:
    large = made.avatar(tmp_path / "large", gaussian=True, frames=6000, count=20_000)
    whole = share_page(large)
    small = write_share_page(large, tmp_path / "small.html", most_bytes=800_000)
    assert len(whole) > 4_000_000
    assert 400_000 < small.stat().st_size <= 800_000
    text = small.read_text(encoding="utf-8")
    assert "Not on this page" in text
    assert "The mesh is left out." in text
    assert [view["name"] for view in views_of(text)] == ["Gaussians"]
    assert 'data-part="player.js"' not in text  # nothing there needs it any more
    with pytest.raises(InputError, match="allow more bytes"):
        share_page(large, most_bytes=200_000)


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    gone = made.track(tmp_path / "gone", 1)
    (gone.folder / "body.glb").unlink()
    with pytest.raises(InputError, match=r"body\.glb .* cannot be read"):
        share_page(gone)
    (gone.folder / "body.glb").write_bytes(b"no")
    with pytest.raises(InputError, match="3D file of this result is damaged"):
        share_page(gone)
    damaged = made.track(tmp_path / "damaged", 1)
    (damaged.folder / "track.json").write_text('{"takes": [{}]}')
    with pytest.raises(InputError, match=r"track\.json of this result is damaged"):
        share_page(damaged)
    (damaged.folder / "track.json").write_text('{"takes": [], "fps": 1, "frames": 1, "width": 1, "height": 1}')
    with pytest.raises(InputError, match="Nobody"):
        share_page(damaged)
    capture = made.capture(tmp_path / "capture")
    for result in (replace(made.poses(tmp_path / "poses"), report={}),
                   *(replace(capture, report=capture.report | {name: wrong}) for name, wrong in (
                       ("sizes", []), ("fps", 0), ("warnings", 7)))):  # some of it is needed by the views alone
        with pytest.raises(InputError, match="damaged or of another version"):
            share_page(result)
    with pytest.raises(InputError, match="has no file"):
        share_page(replace(damaged, kind="avatar"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_share_page(made.other(tmp_path / "other"), tmp_path / "file" / "share.html")


def test_the_verb(
    tmp_path: Path, results: Callable[[str], Result], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["share", str(results("poses").folder), "--title", "Poses", "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": "share.html", "bytes": (tmp_path / "share.html").stat().st_size}
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    with pytest.raises(SystemExit):
        main(["share", str(results("poses").folder), "--out", "deep/page.html", "--open", "--no-pictures"])
    assert opened == [(tmp_path / "deep" / "page.html").as_uri()]
    assert "MB" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["share", str(tmp_path / "nowhere")])
    assert ended.value.code == 2
    assert "is not a result folder" in capsys.readouterr().err
