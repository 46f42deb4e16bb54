"""Which pictures there are, of what, and what somebody did there before."""

from playwright.sync_api import Page, expect

from scripts.pictures.camera import Shot
from scripts.pictures.firm import ENDPOINT, MODEL

PHONE = 390
COLUMNS = "&columns=".join(
    (
        "?columns=status",
        "start_time",
        "duration",
        "curve(metrics.`test/loss`)",
        "min(metrics.`test/loss`)",
        "metrics.`test/auc`",
        "metrics.`test/accuracy`",
        "params.width",
        "params.rate",
        "params.l2",
        "params.epochs",
        "params.kind",
    )
)


def _select(page: Page) -> None:
    expect(page.locator("svg.spark").first).to_be_visible()
    for box in page.locator("tbody tr", has_text="net-").get_by_role("checkbox").all()[1:4]:
        box.check()


def _choose_columns(page: Page) -> None:
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _complete(page: Page) -> None:
    page.get_by_label("Filter").fill("")
    page.get_by_label("Filter").press_sequentially("metrics.`test/auc` > 0.99 AND params.")
    expect(page.get_by_role("listbox")).to_be_visible()


def _unfold(page: Page) -> None:
    page.get_by_role("button", name="runs in trees at random").click()
    expect(page.locator("tr[data-depth='1']").first).to_be_visible()


def _unfold_group(page: Page) -> None:
    page.get_by_role("button", name="Runs with trees").click()
    expect(page.locator("tr[data-run]").first).to_be_visible()


def _be_refused(page: Page) -> None:
    page.locator("article#production").get_by_role("button", name="Promote…").click()
    dialog = page.get_by_role("dialog", name="Promote to production")
    dialog.get_by_label("Reason").fill("It is better on the smallest tumours.")
    dialog.get_by_role("button", name="Promote").click()
    expect(dialog.get_by_role("alert")).to_be_visible()


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search everything").press_sequentially("tumo")
    expect(page.get_by_role("listbox")).to_be_visible()


def _go_back_in_time(page: Page) -> None:
    page.get_by_role("slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url("**at=**")


def _point(page: Page) -> None:
    page.locator("svg.graph .node", has_text=f"{MODEL} 2").first.hover()


def _point_at_chart(page: Page) -> None:
    box = page.locator(".chart").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)


def _open_policy(page: Page) -> None:
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _open_keys(page: Page) -> None:
    page.keyboard.press("?")


def _new_token(page: Page) -> None:
    page.get_by_role("button", name="New token").click()


RUNS = "/experiments/{experiment}"
RUN = "/runs/{best}"
VERSION = f"/registry/{MODEL}"
COMPARED = "/compare?run={best},{other}"
ALL = "/compare?experiment={experiment}&filter=params.kind+%3D+'network'+AND+status+%3D+'FINISHED'"

SHOTS = [
    # experiments and their runs
    Shot("experiments", "/"),
    Shot("experiment", RUNS + COLUMNS + "&pin=1", act=_select),
    Shot("columns", RUNS + COLUMNS, act=_choose_columns),
    Shot("filter", RUNS + COLUMNS, act=_complete, most=480),
    Shot("filter-fault", RUNS + "?filter=metrics.`test/auc`+%3E+'high'", most=400, least=320),
    Shot("groups", RUNS + COLUMNS + "&group=params.kind", act=_unfold_group, most=640),
    Shot(
        "nested",
        RUNS + COLUMNS + "&nested=yes&filter=run_name+LIKE+'trees%25'",
        act=_unfold,
        most=640,
    ),
    # a run
    Shot("run", RUN),
    Shot("run-params", RUN + "/params"),
    Shot("run-metrics", RUN + "/metrics", act=_point_at_chart, dark=True),
    Shot("run-data", RUN + "/data"),
    Shot("run-code", RUN + "/code"),
    Shot("run-notebook", "/runs/{explored}/code"),
    Shot("run-environment", RUN + "/environment"),
    Shot("run-logs", RUN + "/logs", dark=True),
    Shot("run-system", RUN + "/system"),
    Shot("run-models", RUN + "/models"),
    Shot("run-artifacts", RUN + "/artifacts?path=reports/predictions.csv"),
    Shot("run-image", RUN + "/artifacts?path=reports/confusion.png", most=720),
    Shot("run-report", RUN + "/artifacts?path=reports/validation.html", most=960),
    Shot("logged-model", "/models/{model}"),
    # comparing
    Shot("compare-values", ALL),
    Shot(
        "compare-charts",
        "/compare?experiment={experiment}&filter=params.epochs+%3D+'100'+AND+status+%3D+'FINISHED'"
        "&tab=charts&metric=test/loss&metric=test/auc",
        dark=True,
    ),
    Shot("compare-parallel", ALL + "&tab=parallel"),
    Shot("compare-scatter", ALL + "&tab=scatter&x=params.width&y=metrics.test/auc&color=params.rate"),
    Shot(
        "compare-box",
        "/compare?experiment={experiment}&filter=status+%3D+'FINISHED'&tab=box&by=params.kind&y=metrics.test/auc",
    ),
    Shot("compare-code", COMPARED + "&tab=code"),
    Shot("compare-data", "/compare?run={best},{explored}&tab=made-of"),
    # models
    Shot("models", "/registry"),
    Shot("model", VERSION, who="ann", most=960),
    Shot("version", VERSION + "/4", who="bob", most=960),
    Shot("refused", VERSION + "/4", who="ann", act=_be_refused),
    Shot("changes", VERSION + "/4/changes"),
    Shot("builds", VERSION + "/3/delivery"),
    Shot("provenance", VERSION + "/2/provenance"),
    Shot("version-files", VERSION + "/2/artifacts?path=MLmodel"),
    # promotions, deployments, traces
    Shot("promotions", "/promotions", who="ann"),
    Shot("promotion", "/promotions/{promotion}"),
    Shot("deployments", "/deployments"),
    Shot("deployments-then", "/deployments?environment=production", act=_go_back_in_time),
    Shot("deployment", "/deployments/{deployment}"),
    Shot("trace", f"/trace?of={ENDPOINT.format('production')}", most=960),
    Shot("trace-dark", "/trace?of=datasets/tumours", act=_point, dark=True, most=960),
    # everything else
    Shot("search-box", "/", act=_search, most=560),
    Shot("search", "/search?q=tumours"),
    Shot("keys", "/", act=_open_keys, most=600),
    Shot("login", "/login", who="", most=560),
    Shot("accounts", "/accounts", most=960),
    Shot("account", "/accounts/ann"),
    Shot("token", "/accounts", who="ann", act=_new_token),
    Shot("audit", "/audit"),
    Shot("webhooks", "/webhooks"),
    Shot("webhook", "/webhooks/{webhook}"),
    Shot("webhook-delivery", "/webhooks/{webhook}/deliveries/{delivery}"),
    Shot("settings", "/settings", most=960),
    Shot("policy", f"/settings/policies?stream=models:/{MODEL}&environment=production", act=_open_policy),
    Shot("components", "/ui/components", most=1400),
    Shot("components-dark", "/ui/components", dark=True, most=1400),
    # on a phone
    Shot("phone-runs", RUNS + COLUMNS, width=PHONE, least=844, most=844),
    Shot("phone-run", RUN, width=PHONE, least=844, most=844, dark=True),
    Shot("phone-model", VERSION, who="ann", width=PHONE, least=844, most=844),
]
