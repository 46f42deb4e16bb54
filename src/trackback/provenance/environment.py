"""Where the code runs: Python, the system, its packages, its machine, and chosen environment variables."""

import os
import platform
from collections.abc import Mapping
from fnmatch import fnmatchcase

from trackback.entities import EnvironmentRecord, FileRecord
from trackback.provenance.files import KeptFiles
from trackback.provenance.options import CaptureOptions
from trackback.provenance.packages import installed_packages, lock_file
from trackback.provenance.secrets import REDACTED, is_secret_name, looks_secret, redact

LOCK_PATH = "trackback/requirements.lock"
IMAGE_VARIABLE = "TRACKBACK_IMAGE"

_HOW_IT_COMPUTES = """
    CUDA_VISIBLE_DEVICES CUDA_LAUNCH_BLOCKING NVIDIA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES CUBLAS_WORKSPACE_CONFIG
    OMP_* MKL_* KMP_* OPENBLAS_NUM_THREADS BLIS_NUM_THREADS VECLIB_MAXIMUM_THREADS NUMEXPR_* NCCL_* XLA_FLAGS JAX_*
    TF_* PYTORCH_* TORCH_* TOKENIZERS_PARALLELISM POLARS_MAX_THREADS LOKY_MAX_CPU_COUNT
"""
_WHAT_RUNS_IT = """
    PYTHONHASHSEED PYTHONPATH PYTHONOPTIMIZE PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED VIRTUAL_ENV CONDA_DEFAULT_ENV
    CONDA_PREFIX LANG LC_ALL TZ SPARK_HOME JAVA_HOME HADOOP_CONF_DIR
"""
_WHICH_WORKER_IT_IS = """
    RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE SLURM_JOB_ID SLURM_JOB_NAME SLURM_JOB_NODELIST SLURM_NNODES
    SLURM_NTASKS SLURM_PROCID SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID PBS_JOBID LSB_JOBID KUBERNETES_NAMESPACE
"""
_WHICH_JOB_OF_CI_IT_IS = """
    CI GITHUB_REPOSITORY GITHUB_SHA GITHUB_REF GITHUB_RUN_ID GITHUB_RUN_ATTEMPT GITHUB_WORKFLOW CI_PROJECT_PATH
    CI_COMMIT_SHA CI_COMMIT_REF_NAME CI_PIPELINE_ID CI_JOB_ID GO_PIPELINE_NAME GO_PIPELINE_COUNTER GO_STAGE_NAME
    GO_JOB_NAME BUILD_NUMBER BUILD_TAG JOB_NAME
"""
ALLOWED_VARIABLES = tuple(f"{_HOW_IT_COMPUTES} {_WHAT_RUNS_IT} {_WHICH_WORKER_IT_IS} {_WHICH_JOB_OF_CI_IT_IS}".split())
"""Patterns: ``*`` is any text."""


def capture_environment(options: CaptureOptions, files: KeptFiles) -> EnvironmentRecord:
    """All but the hardware, which may take a while to answer."""
    packages, lock = _packages(files) if options.packages else ({}, None)
    return EnvironmentRecord(
        python=platform.python_version(),
        packages=packages,
        lock=lock,
        os=_system(),
        machine=platform.machine() or None,
        image=os.environ.get(IMAGE_VARIABLE) or None,
        variables=chosen_variables(os.environ, options.more_variables) if options.variables else {},
    )


def chosen_variables(environment: Mapping[str, str], more: tuple[str, ...] = ()) -> dict[str, str]:
    """The variables of the allow-list and of ``more``, but none whose name says that it is secret.

    What in a value looks like a secret is not shown.
    """
    patterns = (*ALLOWED_VARIABLES, *more)
    return {
        name: REDACTED if looks_secret(value) and redact(value) == value else redact(value)
        for name, value in sorted(environment.items())
        if not is_secret_name(name) and any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _packages(files: KeptFiles) -> tuple[dict[str, str], FileRecord]:
    packages = installed_packages()
    heading = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    lock = files.keep(LOCK_PATH, lock_file(packages, heading))
    return {each.name: each.version for each in packages}, lock


def _system() -> str:
    """Such as ``Linux 6.1.0 (Debian GNU/Linux 12)``."""
    kernel = f"{platform.system()} {platform.release()}".strip()
    try:
        return f"{kernel} ({platform.freedesktop_os_release()['PRETTY_NAME']})"
    except (OSError, KeyError):
        return kernel
