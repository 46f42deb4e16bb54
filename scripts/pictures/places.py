"""Where in the story's server the pages are that are worth a picture."""

from typing import NamedTuple

from scripts.pictures.firm import MODEL, Firm


class Places(NamedTuple):
    """Ids. ``best`` is the run that version 2 is of, ``other`` an earlier one; ``promotion`` is into production."""

    experiment: str
    best: str
    other: str
    explored: str
    search: str
    model: str
    promotion: int
    deployment: int
    webhook: str
    delivery: str
    failed_delivery: str


def find_places(firm: Firm) -> Places:
    experiment = firm.mlflow_get("experiments/get-by-name", experiment_name=MODEL)["experiment"]["experiment_id"]

    def run(filter_text: str) -> str:
        found = firm.mlflow("root", "runs/search", experiment_ids=[experiment], filter=filter_text, max_results=1)
        return str(found["runs"][0]["info"]["run_id"])

    best = firm.mlflow_get("model-versions/get", name=MODEL, version="2")["model_version"]["run_id"]
    outputs = firm.mlflow_get("runs/get", run_id=best)["run"]["outputs"]["model_outputs"]
    log = firm.ask("promotions", stream=f"models:/{MODEL}", environment="production")["promotions"]
    live = firm.ask("deployments", environment="production", live="true")["deployments"]
    webhooks = {each["name"]: each["webhook_id"] for each in firm.ask("webhooks")["webhooks"]}
    told = {
        name: firm.ask(f"webhooks/{webhook_id}/deliveries")["deliveries"][0]["id"]
        for name, webhook_id in webhooks.items()
    }
    return Places(
        experiment=experiment,
        best=best,
        other=firm.mlflow_get("model-versions/get", name=MODEL, version="1")["model_version"]["run_id"],
        explored=run("run_name = 'explore'"),
        search=run("run_name = 'trees at random'"),
        model=outputs[0]["model_id"],
        promotion=max(each["seq"] for each in log),
        deployment=live[0]["id"],
        webhook=webhooks["ci"],
        delivery=told["ci"],
        failed_delivery=told["chat"],
    )
