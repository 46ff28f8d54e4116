"""Values on their way to disk: made JSON, bounded and redacted.

Every value that is recorded passes `encode` when it is handed over, for its owner may change it later, and every line
of the journal passes the `Redactor` of `redaction.py` before it is written. Nothing here raises because of a value.
"""

from tracer.capture.limits import beginning, cut, cut_row
from tracer.capture.values import describe, encode, is_one

__all__ = ["beginning", "cut", "cut_row", "describe", "encode", "is_one"]
