"""What pages load: vendored as it was published, compressed, kept for good, and little."""

import gzip
import re
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.ui.conftest import Site
from trackback.server.ui.frame import assets

TABLES = [assets.FOLDER / "vendor", Path(__file__).parent / "vendor"]


def rows(folder: Path) -> list[list[str]]:
    """Of the table of a README: file, package, version, licence, digest."""
    lines = [line for line in (folder / "README.md").read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("folder", TABLES, ids=["pages", "tests"])
def test_vendored_files_are_those_of_the_table_with_their_licences(folder: Path) -> None:
    for file, _, version, licence, digest in rows(folder):
        assert sha256((folder / file).read_bytes()).hexdigest() == digest, file
        assert version in (folder / file).read_text(), file
        assert licence
        assert (folder / file).parent.joinpath("LICENSE").exists()
    scripts = {path.relative_to(folder).as_posix() for path in folder.rglob("*.js")}
    assert scripts == {row[0] for row in rows(folder)}


def test_a_page_with_charts_loads_less_than_a_megabyte(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        page = http.get("/experiments/1")
        found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        for script in [each for each in found if each.endswith(".js")]:
            base = script.rpartition("/")[0]
            found |= {
                f"{base}/{name}"
                for name in re.findall(r'from "\./([\w-]+\.js)"|import "\./([\w-]+\.js)"', http.get(script).text)
                for name in name
                if name
            }
        found.add(assets.url("vendor/echarts/echarts.min.js"))
        sizes = {}
        for each in found:
            with http.stream("GET", each) as response:
                assert response.headers["content-encoding"] == "gzip", each
                sizes[each] = sum(len(piece) for piece in response.iter_raw())
    assert len(found) >= 6
    assert sum(sizes.values()) < 600_000, sizes


def test_files_are_kept_by_the_browser_until_one_of_them_changes(site: Site) -> None:
    now = httpx.get(site.url + assets.url("app.js"), trust_env=False)
    before = httpx.get(f"{site.url}/static/0000000000000000/app.js", trust_env=False)
    assert "immutable" in now.headers["cache-control"]
    assert before.headers["cache-control"] == "no-cache"
    assert now.text == before.text == (assets.FOLDER / "app.js").read_text()


def test_who_takes_no_gzip_gets_files_and_pages_as_they_are(site: Site) -> None:
    for path in (assets.url("app.js"), "/"):
        plain = httpx.get(site.url + path, headers={"accept-encoding": "identity"}, trust_env=False)
        assert "content-encoding" not in plain.headers
        with httpx.stream("GET", site.url + path, trust_env=False) as zipped:
            raw = b"".join(zipped.iter_raw())
        assert len(gzip.decompress(raw)) >= len(raw)


def test_no_file_names_another_site() -> None:
    for path in assets.FOLDER.glob("*.*"):
        places = set(re.findall(r"https?://[^\s\"'`]+", path.read_text())) - {"http://www.w3.org/2000/svg"}
        assert places == set(), path.name
