"""What `import trackback` offers, and what it costs."""

import subprocess
import sys

import trackback
from trackback import sdk


def test_every_name_of_the_sdk_is_there_and_sorted() -> None:
    assert all(getattr(trackback, name) is getattr(sdk, name) for name in sdk.__all__)
    assert sdk.__all__ == sorted(sdk.__all__)
    assert set(sdk.__all__) < set(dir(trackback))


def test_a_name_that_is_not_there_is_said_so() -> None:
    assert not hasattr(trackback, "log_metrik")


def test_no_heavy_library_is_imported_before_it_is_used() -> None:
    heavy = ("httpx", "numpy", "pandas", "yaml", "rich", "ssl", "starlette", "psutil", "sklearn")
    program = f"import sys, trackback; trackback.start_run; print([each for each in {heavy} if each in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"
