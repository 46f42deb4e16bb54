"""A server's endpoints as methods: entities in and out."""

from trackback.client.api.accounts import NewToken
from trackback.client.api.client import Client
from trackback.client.api.policies import Judgement
from trackback.client.api.promotions import LogPage
from trackback.client.api.webhooks import Replay
from trackback.client.pages import Page, walk

__all__ = ["Client", "Judgement", "LogPage", "NewToken", "Page", "Replay", "walk"]
