"""Where a deployment is: what each kind of it is called by, and the slot in which one takes over from another."""

import re
from typing import NamedTuple

from trackback import limits
from trackback.entities import DeploymentKind
from trackback.errors import InvalidParameter
from trackback.limits import shown

IMAGE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")

_AMI = re.compile(r"ami-[0-9a-f]{8,17}")
_TAG = re.compile(r":[\w.-]{1,128}$")


class Place(NamedTuple):
    """``locator`` is the image, URL, AMI id or workload itself; ``image`` the container image that it runs, if any."""

    kind: DeploymentKind
    locator: str
    image: str = ""
    region: str = ""
    slot: str = ""


def check_place(place: Place) -> Place:
    """``place``, with its slot; InvalidParameter for what nobody could find the deployment by later."""
    if not place.locator:
        raise InvalidParameter("Missing value for required parameter 'locator'. It says where the deployment is.")
    limits.check_length(place.locator, "locator", limits.LOCATOR_LENGTH)
    limits.check_length(place.image, "image", limits.LOCATOR_LENGTH)
    limits.check_length(place.region, "region", limits.DELIVERY_NAME_LENGTH)
    limits.check_length(place.slot, "slot", limits.LOCATOR_LENGTH)
    match place.kind:
        case DeploymentKind.IMAGE if not IMAGE_DIGEST.search(place.locator):
            raise _invalid(place.locator, "an image is named by its digest, as registry/name@sha256:…: tags move")
        case DeploymentKind.ENDPOINT if "://" not in place.locator:
            raise _invalid(place.locator, "an endpoint is named by its URL")
        case DeploymentKind.AMI if not _AMI.fullmatch(place.locator):
            raise _invalid(place.locator, "a machine image is named by its id, as ami-0abcdef1234567890")
        case DeploymentKind.AMI if not place.region:
            raise InvalidParameter("Missing value for required parameter 'region'. An AMI id is one of a region.")
    if place.image and not IMAGE_DIGEST.search(place.image):
        raise InvalidParameter(
            f"Invalid value {shown(place.image)} for parameter 'image' supplied: an image is named by its digest, as "
            "registry/name@sha256:…: tags move."
        )
    return place._replace(slot=place.slot or _slot(place))


def names_of(place: Place) -> set[str]:
    """All that the deployment may be asked for by."""
    names = {normal_name(place.locator)}
    if place.image:
        names.add(normal_name(place.image))
    for text in (place.locator, place.image):
        names.update(IMAGE_DIGEST.findall(text))
    return names


def normal_name(text: str) -> str:
    """A locator as it is looked for: with or without a slash at the end of a URL, it is the same place."""
    return text.rstrip("/") or text


def _slot(place: Place) -> str:
    match place.kind:
        case DeploymentKind.IMAGE:
            return _TAG.sub("", place.locator.partition("@")[0])
        case DeploymentKind.AMI:
            return place.region
    return normal_name(place.locator)


def _invalid(locator: str, rule: str) -> InvalidParameter:
    return InvalidParameter(f"Invalid value {shown(locator)} for parameter 'locator' supplied: {rule}.")
