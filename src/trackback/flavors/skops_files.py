"""skops files: scikit-learn models as data, that build only objects of types that somebody trusts.

The model's own list of trusted types is never used: whoever crafted the model wrote it. Ours is below.
"""

import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.estimators import told_by_file
from trackback.flavors.libraries import missing
from trackback.flavors.trust import Trust

# What skops does not trust by itself, occurs in fitted estimators, and holds data or is a pure function: to build one
# runs no code that a file could choose. The trees and neighbours' structures are compiled code that does not check all
# that it reads: a crafted one could crash the process, which is why skops leaves them out. What runs text that it
# holds, as scipy's distributions do when they are built, is not here.
TRUSTED_TYPES = frozenset(
    {
        "builtins.object",
        "collections.OrderedDict",
        "collections.defaultdict",
        "datetime.date",
        "datetime.datetime",
        "datetime.timedelta",
        "lightgbm.basic.Booster",
        "lightgbm.compat._LGBMLabelEncoder",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMModel",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "numpy.sum",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        *(
            f"sklearn._loss.loss.{name}"
            for name in (
                "AbsoluteError",
                "ExponentialLoss",
                "HalfBinomialLoss",
                "HalfGammaLoss",
                "HalfMultinomialLoss",
                "HalfPoissonLoss",
                "HalfSquaredError",
                "HalfTweedieLoss",
                "HalfTweedieLossIdentity",
                "HuberLoss",
                "PinballLoss",
            )
        ),
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.impute._iterative.IterativeImputer",
        "sklearn.impute._iterative._ImputerTriplet",
        *(
            f"sklearn.feature_selection._univariate_selection.{name}"
            for name in ("chi2", "f_classif", "f_oneway", "f_regression", "r_regression")
        ),
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        *(
            f"sklearn.gaussian_process.kernels.{name}"
            for name in (
                "CompoundKernel",
                "ConstantKernel",
                "DotProduct",
                "ExpSineSquared",
                "Exponentiation",
                "Hyperparameter",
                "Matern",
                "PairwiseKernel",
                "Product",
                "RBF",
                "RationalQuadratic",
                "Sum",
                "WhiteKernel",
            )
        ),
        *(
            f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
            for name in ("Chebyshev", "Euclidean", "Hamming", "Haversine", "Manhattan", "Minkowski", "SEuclidean")
            for bits in ("", "32", "64")
        ),
        *(
            f"sklearn.metrics._classification.{name}"
            for name in (
                "accuracy_score",
                "balanced_accuracy_score",
                "f1_score",
                "log_loss",
                "precision_score",
                "recall_score",
            )
        ),
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        *(
            f"sklearn.model_selection._split.{name}"
            for name in (
                "GroupKFold",
                "KFold",
                "LeaveOneOut",
                "RepeatedKFold",
                "RepeatedStratifiedKFold",
                "ShuffleSplit",
                "StratifiedKFold",
                "StratifiedShuffleSplit",
                "TimeSeriesSplit",
            )
        ),
        "sklearn.multiclass._ConstantPredictor",
        *(f"sklearn.neighbors._{name}_tree.{name.upper().replace('BALL', 'Ball')}Tree{bits}"
          for name in ("kd", "ball") for bits in ("", "32", "64")),
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBModel",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRegressor",
    }
)  # fmt: skip


def dump(model: Any, file: Path, *, required: bool) -> list[str] | None:
    """Write a model; the types in it that skops has to be told to trust. None, and no file, if it can't be written so,
    or has types that are not on our list; with ``required``, InvalidParameter.
    """
    io = _skops(required)
    if io is None:
        return None
    try:
        io.dump(model, file)
        untrusted = set(io.get_untrusted_types(file=file))
        if unknown := sorted(untrusted - TRUSTED_TYPES):
            raise InvalidParameter(f"it has types that are not known to be harmless: {_listed(unknown)}")
        io.load(file, trusted=sorted(untrusted))
    except Exception as error:
        file.unlink(missing_ok=True)
        if required:
            raise InvalidParameter(f"the model can't be saved as skops: {error}") from error
        return None
    return sorted(untrusted)


def load(file: Path, trust: Trust) -> Any:
    """The model in a skops file. UntrustedModel if it has types that are not on our list, and ``trust`` does not permit
    the file; InvalidModel if it is damaged.
    """
    io = _skops(required=True)
    try:
        content = file.read_bytes()
        untrusted = set(io.get_untrusted_types(data=content))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InvalidModel(f"{file} is no skops file that can be read: {error}") from error
    if unknown := sorted(untrusted - TRUSTED_TYPES):
        trust.check(content, file, f"a skops file with types that are not known to be harmless ({_listed(unknown)})")
    try:
        return io.loads(content, trusted=sorted(untrusted))
    except Exception as error:
        raise InvalidModel(f"{file} can't be loaded: {type(error).__name__}: {error}") from error


def _listed(types: list[str]) -> str:
    return ", ".join(types[:8]) + (f" and {len(types) - 8} more" if len(types) > 8 else "")


def _skops(required: bool) -> Any:
    try:
        with nullcontext() if "skops.io" in sys.modules else told_by_file():
            import skops.io
    except ImportError as error:
        if required:
            raise missing("skops", error) from error
        return None
    return skops.io
