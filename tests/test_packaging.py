import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent


def test_the_wheel_ships_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    files = [path.relative_to(ROOT / "src") for path in (ROOT / "src" / "trackback").rglob("*") if path.is_file()]
    in_a_cache = [path for path in files if any(part.startswith((".", "__pycache__")) for part in path.parts)]
    expected = {path.as_posix() for path in files if path not in in_a_cache}
    shipped = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert shipped == expected
