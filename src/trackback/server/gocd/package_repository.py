"""GoCD's extension point package-repository: what makes a promotion look like a commit."""

import msgspec

from trackback.entities import Actor, Permission
from trackback.entities.gocd import Revision
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.gocd.endpoints import Configuration, Relayed, is_server_url, relay, values
from trackback.services import Services
from trackback.services.gocd.materials import Known
from trackback.services.gocd.packages import Fault, faults_of_package

URL = "TRACKBACK_URL"
TOKEN = "TOKEN"

_RENAMED = {
    "MLFLOW_URL": f"It is called {URL} here.",
    "PR_RUNS_WITHIN_DAYS": "It is a field of the package here, beside PR_ID_TAG_NAME.",
}


class RepositoryRequest(Relayed, frozen=True):
    repository_configuration: Configuration = {}  # noqa: RUF012 - msgspec copies it


class PackageRequest(Relayed, frozen=True):
    repository_configuration: Configuration = {}  # noqa: RUF012
    package_configuration: Configuration = {}  # noqa: RUF012


class PreviousRevision(Relayed, frozen=True):
    revision: str | None = None
    data: dict[str, str | None] | None = None


class SinceRequest(PackageRequest, frozen=True, kw_only=True):
    previous_revision: PreviousRevision | None = None


class FieldFault(msgspec.Struct, frozen=True):
    key: str
    message: str


class CheckAnswer(msgspec.Struct, frozen=True):
    status: str
    messages: tuple[str, ...]


async def validate_repository(services: Services, actor: Actor, request: RepositoryRequest) -> list[FieldFault]:
    return [FieldFault(*fault) for fault in _faults_of_repository(request.repository_configuration)]


async def validate_package(services: Services, actor: Actor, request: PackageRequest) -> list[FieldFault]:
    return [FieldFault(*fault) for fault in faults_of_package(values(request.package_configuration))]


async def check_repository(services: Services, actor: Actor, request: RepositoryRequest) -> CheckAnswer:
    _server_url(request.repository_configuration)
    return _success(f"trackback answers, and knows who asks: {actor.name}.")


async def check_package(services: Services, actor: Actor, request: PackageRequest) -> CheckAnswer:
    _server_url(request.repository_configuration)
    return _success(await services.gocd.materials.check(actor, values(request.package_configuration)))


async def latest_revision(services: Services, actor: Actor, request: PackageRequest) -> Revision:
    url = _server_url(request.repository_configuration)
    return await services.gocd.materials.latest(actor, url, values(request.package_configuration))


async def latest_revision_since(services: Services, actor: Actor, request: SinceRequest) -> Revision | None:
    url = _server_url(request.repository_configuration)
    known = _known(request.previous_revision or PreviousRevision())
    return await services.gocd.materials.latest_since(actor, url, values(request.package_configuration), known)


def _known(before: PreviousRevision) -> Known:
    data = {key: value for key, value in (before.data or {}).items() if value is not None}
    return Known(before.revision or "", data)


def _success(message: str) -> CheckAnswer:
    return CheckAnswer("success", (message,))


def _faults_of_repository(configuration: Configuration) -> list[Fault]:
    given = values(configuration)
    url = given.get(URL, "").strip()
    faults = [
        Fault(key, _RENAMED.get(key, f"There is no such field. A repository has: {URL}, {TOKEN}."))
        for key in given
        if key not in (URL, TOKEN)
    ]
    if not url:
        faults.append(Fault(URL, "Give the address of the trackback server, such as https://models.example.org."))
    elif not is_server_url(url):
        faults.append(
            Fault(URL, f"{shown(url)} is no address of a server: write https://HOST, without a user, a query or a '#'.")
        )
    return faults


def _server_url(configuration: Configuration) -> str:
    """Where the server is, as GoCD and its users reach it: links begin with it."""
    if faults := _faults_of_repository(configuration):
        raise InvalidParameter(" ".join(f"{key}: {message}" for key, message in faults))
    return values(configuration)[URL].strip().rstrip("/")


ROUTES = [
    relay(
        "package-repository/validate-repository-configuration", Permission.READ, RepositoryRequest, validate_repository
    ),
    relay("package-repository/validate-package-configuration", Permission.READ, PackageRequest, validate_package),
    relay("package-repository/check-repository-connection", Permission.READ, RepositoryRequest, check_repository),
    relay("package-repository/check-package-connection", Permission.READ, PackageRequest, check_package),
    relay("package-repository/latest-revision", Permission.READ, PackageRequest, latest_revision),
    relay("package-repository/latest-revision-since", Permission.READ, SinceRequest, latest_revision_since),
]
