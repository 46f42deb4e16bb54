"""Which packages files list."""

import pytest

from trackback.entities import Package
from trackback.services.package_files import CONDA, PYTHON_ENVIRONMENT, REQUIREMENTS, read_packages, read_requirement

CONDA_YAML = b"""
channels: [conda-forge]
dependencies:
- python=3.11.5
- conda-forge::libgomp=13.2.0=h807b86a_5
- blas
- openssl>=3
- pip<=23.3
- pip:
  - mlflow==3.1.0
  - Scikit_Learn==1.5.0
name: mlflow-env
"""
PYTHON_ENV_YAML = b"""
python: 3.11.5
build_dependencies:
- pip==23.3
- setuptools==68.0.0
dependencies:
- -r requirements.txt
"""


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("numpy==1.26.0", Package("numpy", "1.26.0")),
        ("numpy===1.26.0", Package("numpy", "1.26.0")),
        ("numpy == 1.26.0  # pinned", Package("numpy", "1.26.0")),
        ("numpy==1.26.0 --hash=sha256:abc", Package("numpy", "1.26.0")),
        ("numpy==1.26.0 \\", Package("numpy", "1.26.0")),
        ('uvloop==0.19; sys_platform != "win32"', Package("uvloop", "0.19")),
        ("mlflow[extras]==3.1.0", Package("mlflow", "3.1.0")),
        ("numpy>=1.24,<2", Package("numpy", specifier="<2,>=1.24")),
        ("numpy==1.26.*", Package("numpy", specifier="==1.26.*")),
        ("numpy", Package("numpy")),
        ("churn @ https://example.org/churn.whl", Package("churn", specifier="@ https://example.org/churn.whl")),
    ],
)
def test_a_requirement_is_pinned_only_by_one_whole_version(line: str, package: Package) -> None:
    assert read_requirement(line) == package


@pytest.mark.parametrize("line", ["", "# numpy==1.0", "-r other.txt", "--index-url https://x", "./local", "!!", "-e ."])
def test_other_lines_are_passed_over(line: str) -> None:
    assert read_requirement(line) is None


def test_names_are_one_in_all_their_spellings_and_the_last_line_counts() -> None:
    assert read_packages(REQUIREMENTS, b"Scikit_Learn==1.4.0\nnumpy==1.26.0\r\nscikit-learn==1.5.0\n") == (
        Package("numpy", "1.26.0"),
        Package("scikit-learn", "1.5.0"),
    )


def test_conda_lists_its_own_packages_and_those_of_pip() -> None:
    assert {each.name: each.version or each.specifier for each in read_packages(CONDA, CONDA_YAML)} == {
        "python": "3.11.5",
        "libgomp": "13.2.0",
        "blas": None,
        "openssl": ">=3",
        "pip": "<=23.3",
        "mlflow": "3.1.0",
        "scikit-learn": "1.5.0",
    }


def test_a_python_environment_lists_python_and_what_builds() -> None:
    assert read_packages(PYTHON_ENVIRONMENT, PYTHON_ENV_YAML) == (
        Package("pip", "23.3"),
        Package("python", "3.11.5"),
        Package("setuptools", "68.0.0"),
    )


@pytest.mark.parametrize("name", [REQUIREMENTS, CONDA, PYTHON_ENVIRONMENT])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"[" * 5000,
        b"dependencies: 7",
        b"dependencies: [[7], {pip: 7}, null, {}]",
        b"a: &a [*a]",
        b"- x",
        b"!!python/object/apply:os.system [echo]",
        b"x" * 300,
    ],
    ids=range(9),
)
def test_what_is_no_such_file_lists_nothing(name: str, content: bytes) -> None:
    assert read_packages(name, content) == ()
