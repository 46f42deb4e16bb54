"""The GoCD plugin: its own tests, which call it as GoCD does against a server of this checkout, and the JAR they make."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from tests.needs import need
from tests.servers.program import free_port
from trackback.server.gocd import definitions

PROJECT = Path(__file__).parents[2] / "integrations" / "gocd"
JAR = PROJECT / "target" / "trackback-gocd.jar"
JAVA_11 = 55

pytestmark = pytest.mark.timeout(900)  # the first time, Maven downloads what it works with


def maven(*arguments: str) -> "subprocess.CompletedProcess[str]":
    for program in ("mvn", "java"):
        need(shutil.which(program), f"no {program} in PATH (on Debian: apt install maven)")
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(PROJECT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=880, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def built() -> "subprocess.CompletedProcess[str]":
    """What came of building the plugin and running its tests; the test that asks is skipped without Maven."""
    JAR.unlink(missing_ok=True)
    return maven(f"-Dtrackback.python={sys.executable}", f"-Dtrackback.port={free_port()}", "package")


@pytest.fixture
def jar(built: "subprocess.CompletedProcess[str]") -> Iterator[ZipFile]:
    need_built(built)
    with ZipFile(JAR) as opened:
        yield opened


def need_built(built: "subprocess.CompletedProcess[str]") -> None:
    if built.returncode != 0:
        pytest.fail(f"mvn package ended with {built.returncode}\n{built.stdout}\n{built.stderr}", pytrace=False)


def test_the_plugin_passes_its_own_tests(built: "subprocess.CompletedProcess[str]") -> None:
    need_built(built)
    reports = [ElementTree.parse(each).getroot() for each in (PROJECT / "target/surefire-reports").glob("TEST-*.xml")]
    counted = {name: sum(int(report.attrib[name]) for report in reports) for name in ("tests", "skipped")}
    assert counted["tests"] > 100
    assert counted["skipped"] == 0


def test_the_jar_holds_the_plugin_and_nothing_else(jar: ZipFile) -> None:
    names = {name for name in jar.namelist() if not name.endswith("/")}
    classes = {name for name in names if re.fullmatch(r"io/trackback/gocd/[\w$]+\.class", name)}
    static = {f"static/{name}" for name in definitions.texts()}
    assert names - classes == {"META-INF/MANIFEST.MF", "gocd-bundle.xml", "trackback-gocd.properties"} | static
    assert not [name for name in classes if "Test" in name]


def test_answers_without_a_server_are_those_of_this_server(jar: ZipFile) -> None:
    for name, text in definitions.texts().items():
        assert jar.read(f"static/{name}").decode() == text, name


def test_gocds_java_can_run_it(jar: ZipFile) -> None:
    classes = [name for name in jar.namelist() if name.endswith(".class")]
    assert {int.from_bytes(jar.read(name)[6:8], "big") for name in classes} == {JAVA_11}


def test_gocd_makes_it_a_bundle_itself(jar: ZipFile) -> None:
    """GoCD refuses a JAR that says it is one."""
    assert b"Bundle-" not in jar.read("META-INF/MANIFEST.MF")


def test_each_extension_is_declared_and_there(jar: ZipFile) -> None:
    plugins = ElementTree.fromstring(jar.read("gocd-bundle.xml")).findall("plugins/plugin")
    assert [plugin.attrib["id"] for plugin in plugins] == ["trackback"]
    assert plugins[0].findtext("about/version") == version("trackback")
    declared = [extension.attrib["class"] for extension in plugins[0].findall("extensions/extension")]
    assert len(declared) == 4
    assert {f"{name.replace('.', '/')}.class" for name in declared} <= set(jar.namelist())


def test_the_same_sources_make_the_same_jar(built: "subprocess.CompletedProcess[str]", jar: ZipFile) -> None:
    before = JAR.read_bytes()
    JAR.unlink()
    need_built(maven("-Dmaven.test.skip=true", "package"))
    assert JAR.read_bytes() == before
