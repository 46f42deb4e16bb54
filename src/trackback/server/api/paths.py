"""Where our own API lies."""

API = ("/api/v1/",)
