"""`trackback models serve …` where a turn is lent for a second only: `serve_with_lease.py ARGUMENTS…`."""

import sys

from trackback.cli.main import main
from trackback.scoring import standby

vars(standby)["LEASE_S"] = 1.0
sys.argv = ["trackback", "models", "serve", *sys.argv[1:]]
main()
