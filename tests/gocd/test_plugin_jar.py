"""The GoCD plugin: its own tests, which call it as GoCD does against a server of this checkout, and its JAR."""

import os
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from tests import model_processes
from tests.needs import need
from tests.servers.program import free_port
from trackback.server.gocd import definitions

PROJECT = Path(__file__).parents[2] / "integrations" / "gocd"
JAVA_11 = 55
TIMEOUT_S = 900  # the first time, Maven downloads what it works with
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java that is soon over: it never gains what it takes to compile its own code well."""


@pytest.mark.timeout(TIMEOUT_S)
def test_the_plugin_passes_its_own_tests_and_makes_a_jar_that_gocd_takes(tmp_path: Path) -> None:
    """One test, as tests that share a build would be spread over workers, and each of these build it."""
    project = shutil.copytree(PROJECT, tmp_path / "gocd", ignore=shutil.ignore_patterns("target"))
    jar = project / "target" / "trackback-gocd.jar"

    server = {"checkout": PROJECT.parents[1], "python": model_processes.programs() / "python", "port": free_port()}
    run_maven(project, *(f"-Dtrackback.{name}={value}" for name, value in server.items()), "verify")
    all_tests_ran(project / "target" / "surefire-reports")
    with ZipFile(jar) as opened:
        holds_the_plugin_and_nothing_else(opened)
        answers_without_a_server_as_this_one_would(opened)
        runs_on_java_11(opened)
        is_no_bundle_yet(opened)
        declares_extensions_that_are_there(opened)
    uses_only_packages_that_every_plugin_is_given(jar)

    first = jar.read_bytes()
    jar.unlink()
    run_maven(project, "-Dmaven.test.skip=true", "package")
    assert jar.read_bytes() == first, "the same sources make another JAR"


def run_maven(project: Path, *arguments: str) -> None:
    for program in ("mvn", "javac"):
        need(shutil.which(program), f"no {program} in PATH (on Debian: apt install maven)")
    tests = f"-DargLine={SHORT_LIVED} -Djava.io.tmpdir={project.parent}"
    command = ["mvn", "--quiet", "--batch-mode", tests, "--file", str(project), *arguments]
    run = subprocess.run(
        command,
        env={**os.environ, "MAVEN_OPTS": SHORT_LIVED},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S - 20,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {run.returncode}\n{run.stdout}\n{run.stderr}", pytrace=False)


def all_tests_ran(reports: Path) -> None:
    assert (reports / "TEST-io.trackback.gocd.PackagedPlugin.xml").exists()
    suites = [ElementTree.parse(each).getroot() for each in reports.glob("TEST-*.xml")]
    counted = {name: sum(int(suite.attrib[name]) for suite in suites) for name in ("tests", "skipped")}
    assert counted["tests"] > 300
    need(counted["skipped"] == 0, "no right to mount a small disk (be root)")


def holds_the_plugin_and_nothing_else(jar: ZipFile) -> None:
    names = {name for name in jar.namelist() if not name.endswith("/")}
    classes = {name for name in names if re.fullmatch(r"io/trackback/gocd/[\w$]+\.class", name)}
    static = {f"static/{name}" for name in definitions.texts()}
    assert names - classes == {"META-INF/MANIFEST.MF", "gocd-bundle.xml", "trackback-gocd.properties"} | static
    assert not [name for name in classes if "Test" in name]


def answers_without_a_server_as_this_one_would(jar: ZipFile) -> None:
    for name, text in definitions.texts().items():
        assert jar.read(f"static/{name}").decode() == text, name


def runs_on_java_11(jar: ZipFile) -> None:
    classes = [name for name in jar.namelist() if name.endswith(".class")]
    assert {int.from_bytes(jar.read(name)[6:8], "big") for name in classes} == {JAVA_11}


def uses_only_packages_that_every_plugin_is_given(jar: Path) -> None:
    """GoCD hosts plugins by OSGi: of Java's packages, only java.* come without being asked for."""
    listing = subprocess.run(["jdeps", "-verbose:package", jar], capture_output=True, text=True, check=True, timeout=60)
    used = set(re.findall(r"-> (\S+)", listing.stdout)) - {"java.base", "java.net.http", "not"}
    assert "java.net.http" in listing.stdout
    assert not [package for package in used if not package.startswith(("java.", "com.thoughtworks.go.plugin.api"))]


def is_no_bundle_yet(jar: ZipFile) -> None:
    """GoCD makes it one, and refuses a JAR that says it is."""
    assert b"Bundle-" not in jar.read("META-INF/MANIFEST.MF")


def declares_extensions_that_are_there(jar: ZipFile) -> None:
    plugins = ElementTree.fromstring(jar.read("gocd-bundle.xml")).findall("plugins/plugin")
    assert [plugin.attrib["id"] for plugin in plugins] == ["trackback"]
    assert plugins[0].findtext("about/version") == version("trackback")
    declared = [extension.attrib["class"] for extension in plugins[0].findall("extensions/extension")]
    assert len(declared) == 4
    assert {f"{name.replace('.', '/')}.class" for name in declared} <= set(jar.namelist())
