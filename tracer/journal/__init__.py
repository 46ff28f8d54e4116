"""The journal: each recording process appends its rows to segment files of its own, which readers and absorber know.

`layout` names the files, `locks` says who lives, `writer` appends, `absorber` starts the process that moves
segments into DuckDB. Nothing here knows DuckDB, or what a span means.
"""
