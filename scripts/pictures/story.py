"""What happens in the four weeks: models of tumours are trained, held to a policy, delivered, and rolled back."""

import hashlib
import math

from scripts.pictures.firm import MODEL, Firm, Json
from scripts.pictures.workplace import Workplace

PRODUCTION, STAGING = "production", "staging"
EXPERIMENT = "tumours"
REQUIRED = ["--require", "accuracy>=0.93", "--require", "roc_auc>=0.98"]
STREAM = f"models:/{MODEL}"


def tell(firm: Firm, place: Workplace, receiver: str) -> None:
    """``receiver``: the URL of what takes webhooks."""
    firm.calendar.turn_to(27)
    firm.employ()
    _set_up(firm, receiver)
    place.make()
    _try_baselines(firm, place)
    _first_version(firm, place)
    _second_version(firm, place)
    _third_version_fails(firm, place)
    _fourth_version_waits(firm, place)
    firm.calendar.turn_to(0)
    _begin_a_run(firm)


def _set_up(firm: Firm, receiver: str) -> None:
    promoted = [{"entity": "PROMOTION", "action": "CREATED"}]
    registered = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
    firm.tell("root", "webhooks", name="ci", url=f"{receiver}/promoted", events=promoted, secret="of the two of them")
    firm.tell("root", "webhooks", name="chat", url=f"{receiver}/chat", events=[*promoted, *registered])
    firm.mlflow(
        "root",
        "registered-models/create",
        name=MODEL,
        description="Tells benign tumours from others, by 30 measurements.",
    )
    firm.mlflow("root", "registered-models/set-tag", name=MODEL, key="team", value="oncology")
    for name, text in (("wine", "Which of three growers a wine is of."), ("digits", "Reads handwritten digits.")):
        firm.mlflow("bob", "registered-models/create", name=name, description=text)
    validated = [{"name": "validation", "max_age_days": 30, "reporters": ["ci"]}]
    of_production = {
        "verdicts": [*validated, {"name": "delta"}],
        "after": STAGING,
        "approvals": {"count": 1},
        "metadata": ["signature", "dataset"],
    }
    firm.tell("root", "policies", stream=STREAM, environment=STAGING, document={"verdicts": validated})
    firm.tell("root", "policies", stream=STREAM, environment=PRODUCTION, document=of_production)
    firm.tell("root", "policies", stream="*", environment=PRODUCTION, document={"after": STAGING})
    firm.tell("ann", "tokens", name="training on box 7", scopes=["writer"], days=90)


def _try_baselines(firm: Firm, place: Workplace) -> None:
    place.take("baselines.py")
    place.commit("Baselines")
    for name in ("wine", "digits", "diabetes"):
        firm.calendar.turn_to(firm.calendar.ago_s / 86_400 - 0.7)
        place.train("bob", "baselines.py", name)


def _first_version(firm: Firm, place: Workplace) -> None:
    firm.calendar.turn_to(21.2)
    place.take("train.py")
    place.commit("Networks")
    place.take("explore.ipynb")
    place.run_notebook("ann", "explore.ipynb")
    place.run_notebook("ann", "explore.ipynb")  # whose record has what the first time printed
    firm.delete_runs(EXPERIMENT, "run_name = 'explore'", keep=1)
    firm.calendar.turn_to(21)
    place.train("ann", "train.py", "4,16", "0.003,0.01")
    version = firm.register("ann", firm.best_run(EXPERIMENT, "params.kind = 'network'"), "The first network.")
    _deliver(firm, place, version, 20.6, counter=1)


def _second_version(firm: Firm, place: Workplace) -> None:
    firm.calendar.turn_to(13.4)
    place.change("train.py", "L2 = 0.0001", "L2 = 0.01")
    place.commit("Stronger regularization")
    place.change("train.py", "EPOCHS = 60", "EPOCHS = 100")
    place.train("ann", "train.py", "0", "0.01", fails=True)
    place.train("ann", "train.py", "8,32,64", "0.003,0.01")
    best = firm.best_run(EXPERIMENT, "params.l2 = '0.01' AND status = 'FINISHED'")
    version = firm.register("ann", best, "Wider, and more regular.")
    _deliver(firm, place, version, 12.9, counter=2)


def _third_version_fails(firm: Firm, place: Workplace) -> None:
    firm.calendar.turn_to(6.3)
    place.take("search.py")
    place.commit("Trees, at random")
    place.train("bob", "search.py", "8")
    version = firm.register("bob", firm.best_run(EXPERIMENT, "params.kind = 'trees'"), "Boosted trees.")
    _deliver(firm, place, version, 5.8, counter=4, approver="root", breaks=True)
    firm.calendar.turn_to(3.1)
    back = firm.roll_back("ann", PRODUCTION, "Its answers take 180 ms, four times as long as before.")
    _build_and_deploy(firm, back, PRODUCTION, counter=7)


def _fourth_version_waits(firm: Firm, place: Workplace) -> None:
    firm.calendar.turn_to(1.2)
    place.change("train.py", "EPOCHS = 100", "EPOCHS = 140")
    place.commit("Train for longer")
    place.train("ann", "train.py", "48", "0.002,0.005")
    best = firm.best_run(EXPERIMENT, "params.epochs = '140'")
    version = firm.register("ann", best, "As version 2, trained for longer.")
    firm.mlflow("ann", "registered-models/alias", name=MODEL, alias="candidate", version=str(version))
    firm.calendar.turn_to(1.1)
    _validate(firm, place, version)
    seq = firm.promote("ann", version, STAGING, "Better on the smallest tumours.")
    _build_and_deploy(firm, seq, STAGING, counter=8)
    firm.calendar.turn_to(0.2)
    firm.promote("ann", version, PRODUCTION, "Better on the smallest tumours.", pending=True)
    firm.calendar.turn_to(0.01)
    firm.build(seq, 9, validate="passed", image="running")


def _deliver(
    firm: Firm,
    place: Workplace,
    version: int,
    days_ago: float,
    *,
    counter: int,
    approver: str = "bob",
    breaks: bool = False,
) -> None:
    """From its registration into production. ``breaks``: the first build for production fails."""
    firm.calendar.turn_to(days_ago)
    _validate(firm, place, version)
    seq = firm.promote("ann", version, STAGING, "The best of its kind so far.")
    _build_and_deploy(firm, seq, STAGING, counter=counter)
    firm.calendar.turn_to(days_ago - 0.4)
    place.deliver(firm.token, "delta", f"{STREAM}/{version}", "--against", PRODUCTION, *_on("test.csv"))
    firm.approve(approver, version, PRODUCTION, "I looked at those that it gets wrong.")
    firm.calendar.turn_to(days_ago - 0.6)
    seq = firm.promote("ann", version, PRODUCTION, "It finds more, and is seldom wrong.")
    if breaks:
        firm.build(seq, counter + 1, validate="passed", image="failed")
        firm.calendar.turn_to(days_ago - 0.65)
        counter += 1
    _build_and_deploy(firm, seq, PRODUCTION, counter=counter + 1)


def _validate(firm: Firm, place: Workplace, version: int) -> None:
    place.deliver(firm.token, "validate", f"{STREAM}/{version}", *_on("test.csv"), *REQUIRED)
    made = firm.mlflow_get("model-versions/get", name=MODEL, version=str(version))["model_version"]
    run = firm.mlflow_get("runs/get", run_id=made["run_id"])["run"]["info"]
    report = (place.folder / "trackback-reports" / "validation.html").read_bytes()
    firm.upload("ann", f"{run['experiment_id']}/{run['run_id']}/artifacts/reports/validation.html", report)


def _on(data: str) -> list[str]:
    return ["--data", data, "--target", "benign"]


def _build_and_deploy(firm: Firm, promotion: int, environment: str, counter: int) -> None:
    number = firm.build(promotion, counter, validate="passed", image="passed", deploy="passed")
    firm.calendar.ago_s -= 600
    digest = hashlib.sha256(f"{promotion}".encode()).hexdigest()
    firm.deploy(promotion, environment, number, digest)


def _begin_a_run(firm: Firm) -> Json:
    """One that goes on: what is logged of it comes while somebody looks."""
    number = firm.mlflow_get("experiments/get-by-name", experiment_name=EXPERIMENT)["experiment"]["experiment_id"]
    began = firm.calendar.now_ms - 90_000
    body = {"experiment_id": number, "run_name": "net-96x0.002", "start_time": began}
    run: Json = firm.mlflow("ann", "runs/create", **body)["run"]["info"]
    params = {"width": "96", "rate": "0.002", "l2": "0.01", "epochs": "400", "kind": "network"}
    points = [
        {"key": key, "value": value, "timestamp": began + 700 * step, "step": step}
        for step in range(120)
        for key, value in (
            ("train/loss", 0.4 * math.exp(-step / 25) + 0.03),
            ("test/loss", 0.42 * math.exp(-step / 22) + 0.07),
        )
    ]
    firm.mlflow(
        "ann",
        "runs/log-batch",
        run_id=run["run_id"],
        metrics=points,
        params=[{"key": key, "value": value} for key, value in params.items()],
        tags=[{"key": "team", "value": "oncology"}, {"key": "mlflow.user", "value": "ann"}],
    )
    return run
