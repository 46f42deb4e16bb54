"""What pip leaves is freed of what differs each time; the Python of a base is found; what is needed is told exactly."""

import sys
from pathlib import Path

import pytest

from trackback.delivery.images.packages import compile_all, normalise
from trackback.delivery.images.pythons import find_python
from trackback.delivery.images.requirements import named_in, python_of, server_constraints, server_requirements
from trackback.errors import InvalidModel, InvalidParameter

SLIM = ["usr/local/bin/python3.11", "usr/local/bin/python3", "usr/bin/env", "usr/lib/x86_64-linux-gnu/libc.so.6"]


def test_records_and_scripts_that_name_this_machine_are_removed(tmp_path: Path) -> None:
    info = tmp_path / "churn-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("churn/b.py,,\n../../bin/churn,sha256=x,1\nchurn/a.py,,\nchurn/__pycache__/a.pyc,,\n")
    (info / "direct_url.json").write_text("{}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "churn").write_text("#!/here/python\n")
    (tmp_path / "churn" / "__pycache__").mkdir(parents=True)

    normalise(tmp_path)

    assert (info / "RECORD").read_text() == "churn/a.py,,\nchurn/b.py,,\n"
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["RECORD", "churn", "churn-1.0.dist-info"]


def test_the_same_sources_are_compiled_to_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    source = "NAMES = frozenset({'a', 'b', 'c'})\n\ndef f(x=(1, 'two')):\n    return x in {'a', 'b', 'zz'}\n"
    compiled = []
    for name in ("one", "another-folder"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "module.py").write_text(source)
        compile_all(Path(sys.executable), folder, "/opt/lib")
        (found,) = folder.rglob("*.pyc")
        compiled.append(found.read_bytes())

    assert compiled[0] == compiled[1]
    assert b"/opt/lib/module.py" in compiled[0]


def test_the_python_of_a_base_is_found_by_its_name() -> None:
    python = find_python(SLIM, "amd64", "3.11", "slim")

    assert (python.path, python.version, python.musl) == ("/usr/local/bin/python3.11", "3.11", False)
    assert "manylinux2014_x86_64" in python.platforms


def test_the_one_that_images_find_first_is_taken() -> None:
    assert find_python(["usr/bin/python3.11", *SLIM], "arm64", "3.11", "slim").path == "/usr/local/bin/python3.11"


def test_alpine_wants_other_wheels() -> None:
    python = find_python(["lib/ld-musl-x86_64.so.1", *SLIM], "amd64", "3.11", "alpine")

    assert python.platforms == ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64")


@pytest.mark.parametrize(("names", "told"), [(SLIM, "it has Python 3.11"), (["bin/sh"], "it has no Python")])
def test_a_base_without_the_models_python_is_refused(names: list[str], told: str) -> None:
    with pytest.raises(InvalidParameter, match=told):
        find_python(names, "amd64", "3.12", "base")


def test_what_the_server_needs_is_pinned_as_it_is_here_but_for_what_the_model_names() -> None:
    pinned = {each.partition("==")[0] for each in server_constraints(["pandas", "NumPy"])}

    assert {"msgspec", "starlette", "uvicorn", "pyarrow"} <= pinned
    assert pinned.isdisjoint({"pandas", "numpy", "trackback", "pytest"})
    assert any(each.startswith("uvicorn") for each in server_requirements())


def test_lines_of_requirements_name_packages() -> None:
    lines = ["scikit_learn==1.7  # as trained", "", "--extra-index-url https://x", "Pandas[all]>=2; python_version>'3'"]

    assert named_in(lines) == {"scikit-learn", "pandas"}


def test_a_model_says_its_python(tmp_path: Path) -> None:
    assert python_of(tmp_path, "3.9") == "3.9"
    (tmp_path / "python_env.yaml").write_text("python: 3.11.7\n")
    assert python_of(tmp_path, "3.9") == "3.11"
    (tmp_path / "python_env.yaml").write_text("python: pypy\n")
    with pytest.raises(InvalidModel, match="pypy"):
        python_of(tmp_path, "3.9")
