"""FineParser: scores a competitive dive from video and shows why.

The public names, each loaded on first use.
"""

from importlib import import_module

_MODULES = {
    "AnalysisOptions": "fineparser.analysis.analyser",
    "CompactConfig": "fineparser.model.config",
    "CompactFineParser": "fineparser.model.compact",
    "DiveAnalyser": "fineparser.analysis.analyser",
    "DiveCode": "fineparser.domain.dive_code",
    "DiveReport": "fineparser.analysis.report",
    "FineParser": "fineparser.model.paper",
    "FineParserConfig": "fineparser.model.config",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'fineparser' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
