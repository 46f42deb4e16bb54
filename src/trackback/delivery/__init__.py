"""From a promotion to what runs: CI, as seen from outside of the server."""
