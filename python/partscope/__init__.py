"""partscope in Python: runs, mixes and comparisons of the program ``partscope`` as arrays, frames and figures.

    import partscope

    run = partscope.run("demo", "topic", template="article-hash", demo_seed=2)   # or partscope.open("out")
    run                                            # in a notebook: the heat map
    run.components().pandas()                      # accuracy, interval, kind of every component
    run.attribution().heads                        # [layers, heads, examples, words], NumPy
    fit = partscope.fit(run)                       # a mix, beside baselines on the same labels
    partscope.apply(fit.mix, model)                # the mix on a model of Hugging Face transformers

The program computes; this package reads its files and asks it. Errors are :class:`PartscopeError`, one sentence each.
"""

from importlib.metadata import PackageNotFoundError, version

from ._apply import MixedModel, apply
from ._attribution import Attribution, WordClasses
from ._comparison import Comparison
from ._errors import MissingBinary, MissingPackage, PartscopeError
from ._figure import Figure
from ._mix import Fit, Mix, fit
from ._run import Run, run
from ._run import open_run as open
from ._table import Table

try:
    __version__ = version("partscope")
except PackageNotFoundError:  # the source, without an installation
    __version__ = "0"

__all__ = [
    "Attribution",
    "Comparison",
    "Figure",
    "Fit",
    "MissingBinary",
    "MissingPackage",
    "Mix",
    "MixedModel",
    "PartscopeError",
    "Run",
    "Table",
    "WordClasses",
    "apply",
    "fit",
    "open",
    "run",
]
