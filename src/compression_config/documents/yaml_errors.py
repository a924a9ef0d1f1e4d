"""Stub."""
from compression_config.findings import Code
from compression_config.documents.positions import make_spot
def explain_error(error, text):
    m = getattr(error, "problem_mark", None)
    i = m.index if m else 0
    return Code.SYNTAX, str(getattr(error,"problem",error)), None, make_spot(i, i)
