"""A long log: 5,000 promoted runs, of which mlflow-gocd would have seen the first thousand."""

import httpx

from benchmarks import promoted
from tests.gocd.polling import POLL_S
from tests.gocd.world import World
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

PROMOTIONS = 10_000
EXPERIMENT = {"EXPERIMENT": "Default"}


def test_the_newest_of_5_000_promoted_runs_is_found_and_so_is_the_next(settings: Settings) -> None:
    with ThreadedServer(settings):
        pass
    promoted.load(settings.backend_store_uri, PROMOTIONS)
    with ThreadedServer(settings) as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        world = World(server, http)
        material = world.material(EXPERIMENT)
        (newest,) = material.pass_time(10 * POLL_S)
        world.untag(newest.data["RUN_ID"])
        nothing = material.pass_time(10 * POLL_S)
        run = world.run("0", tags={"promote": "true"})
        (following,) = material.pass_time(POLL_S)
        oldest = promoted.run_id(2)
        world.untag(oldest)
        world.tag(oldest)
        (again,) = material.pass_time(POLL_S)

    assert newest.data["RUN_ID"] == promoted.run_id(PROMOTIONS)
    assert nothing == []
    assert (following.data["RUN_ID"], again.data["RUN_ID"]) == (run, oldest)
    assert material.errors == []
