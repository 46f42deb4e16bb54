"""What training programs import, side by side: this project's package and others that track runs."""

from benchmarks.sdks.libraries import LIBRARIES, Library
from benchmarks.sdks.measure import SDK_FIGURES, describe_sdks, measure_sdks

__all__ = ["LIBRARIES", "SDK_FIGURES", "Library", "describe_sdks", "measure_sdks"]
