"""The store: one DuckDB file, and the journal beside it of what is not in there yet.

`Store` asks questions (read, answer, filters, live, kept), `absorb` moves the journal in (absorb, attachments, enrich,
prices, tokens).
Both stand on `database` (opening the file), `lines` (reading segments), `fresh` (which row of a span counts) and
`summary` (the row of a trace). Only readers and the absorber import this; recording never does.
"""

from tracer.store.answer import Rows
from tracer.store.attachments import Attachment
from tracer.store.read import Store

__all__ = ["Attachment", "Rows", "Store"]
