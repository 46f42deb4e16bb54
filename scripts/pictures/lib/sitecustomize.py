"""Python imports this when it starts: the program believes that it runs as long ago as STORY_AGO_S says."""

import os
import time

_AGO_S = float(os.environ.get("STORY_AGO_S", "0"))
_AGO_NS = int(_AGO_S * 1e9)
_time, _time_ns = time.time, time.time_ns

time.time = lambda: _time() - _AGO_S
time.time_ns = lambda: _time_ns() - _AGO_NS
