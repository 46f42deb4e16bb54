"""What GoCD's plugin asks for: revisions of packages, files for agents, publications of jobs, and results of stages."""

from dataclasses import dataclass

from trackback.services.gocd.files import Files
from trackback.services.gocd.materials import Materials
from trackback.services.gocd.publications import Publications
from trackback.services.gocd.stages import Stages

__all__ = ["Files", "GoCD", "Materials", "Publications", "Stages"]


@dataclass(frozen=True)
class GoCD:
    materials: Materials
    files: Files
    publications: Publications
    stages: Stages
