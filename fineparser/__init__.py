"""FineParser: watches a competitive dive and tells how good it was and why.

The public names, each loaded when first asked for.
"""

from importlib import import_module

_HOMES = {
    "DiveAnalyser": "fineparser.analysis.analyser",
    "DiveCode": "fineparser.domain.dive_code",
    "DiveReport": "fineparser.analysis.report",
    "FineParser": "fineparser.model.fineparser",
    "FineParserConfig": "fineparser.model.config",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'fineparser' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
