"""Add to the fresh spans what follows from them: token counts where the provider gave none, and cost.

One pure step over the rows of `fresh.lines`, in SQL. Python sees only the calls whose tokens must be counted, the calls
whose price depends on a rule, and each provider and model that is new. A reader does the cheap part only.
"""

from __future__ import annotations

from dataclasses import astuple, fields

from duckdb import DuckDBPyConnection

from tracer.rows import MODEL_CALL_KINDS
from tracer.store import prices, tokens
from tracer.store.prices import Usage

_MODELS = ("response_model", "request_model")
"""The model that answered is asked for first; a deployment's own name for it may have no price."""

_IS_CALL = f"record is null and kind in ({', '.join(map(repr, MODEL_CALL_KINDS))})"
_HAS_TOKENS = "coalesce(input_tokens, output_tokens) is not null"
_NEEDS_COST = (
    f"{_IS_CALL} and {_HAS_TOKENS} and input_cost_usd is null and output_cost_usd is null and cost_usd is null"
    # The tokens of a picture have rates of their own, which the prices do not tell.
    " and operation is distinct from 'image_generation'"
)


def enrich(connection: DuckDBPyConnection) -> None:
    """Complete the fresh spans. What is known of prices is in `fresh.prices`; what is learnt, in `new_prices` too."""
    _count_tokens(connection)
    _learn_prices(connection)
    _apply_rules(connection)
    enrich_cheaply(connection, "fresh.prices")


def enrich_cheaply(connection: DuckDBPyConnection, known_prices: str) -> None:
    """Complete the fresh spans as far as `known_prices`, a table of the shape of `prices`, reaches."""
    connection.execute(
        f"update fresh.lines set usage_source = 'api' where {_IS_CALL} and {_HAS_TOKENS} and usage_source is null"
    )
    for model in _MODELS:
        if connection.execute(f"select 1 from fresh.lines where {_NEEDS_COST} limit 1").fetchone():
            connection.execute(_APPLY_RATES.format(model=model, prices=known_prices))


# The details are subsets of the totals, and cost as the rest does where they have no rate of their own.
_INPUT_COST = """(
    input_tokens * input_mtok
    + coalesce(cached_tokens, 0) * (coalesce(cached_mtok, input_mtok) - input_mtok)
    + coalesce(cache_write_tokens, 0) * (coalesce(cache_write_mtok, input_mtok) - input_mtok)
    + coalesce(audio_input_tokens, 0) * (coalesce(audio_input_mtok, input_mtok) - input_mtok)
) / 1e6"""

_OUTPUT_COST = """(
    output_tokens * output_mtok
    + coalesce(audio_output_tokens, 0) * (coalesce(audio_output_mtok, output_mtok) - output_mtok)
) / 1e6"""

# An embedding puts out no tokens; of a chat a missing half leaves the whole unknown. So do details beyond their total.
_APPLY_RATES = f"""
    update fresh.lines l
    set input_cost_usd = try_cast({_INPUT_COST} as decimal(18, 9)),
        output_cost_usd = try_cast({_OUTPUT_COST} as decimal(18, 9)),
        cost_usd = try_cast(
            {_INPUT_COST} + if(kind = 'llm', {_OUTPUT_COST}, coalesce({_OUTPUT_COST}, 0)) as decimal(18, 9))
    from {{prices}} p
    where {_NEEDS_COST} and p.provider = l.provider and p.model = l.{{model}} and not p.by_rule
        and coalesce(cached_tokens, 0)::double + coalesce(cache_write_tokens, 0) + coalesce(audio_input_tokens, 0)
            <= coalesce(input_tokens, 0)
        and coalesce(audio_output_tokens, 0) <= coalesce(output_tokens, 0)
"""


def _apply_rules(connection: DuckDBPyConnection) -> None:
    usage = ", ".join(field.name for field in fields(Usage))
    for model in _MODELS:
        calls = connection.execute(f"""
            select trace_id, span_id, p.provider, p.model, start_ns, {usage}
            from fresh.lines l join fresh.prices p on p.provider = l.provider and p.model = l.{model}
            where {_NEEDS_COST} and p.by_rule and input_tokens is not null
                and (output_tokens is not null or kind <> 'llm')
        """).fetchall()
        costs = [
            (trace_id, span_id, *cost)
            for trace_id, span_id, provider, name, start_ns, *counts in calls
            if (cost := prices.cost(provider, name, Usage(*counts), start_ns)) is not None
        ]
        if costs:
            connection.execute(_SET_COSTS, list(map(list, zip(*costs, strict=True))))


_SET_COSTS = """
    update fresh.lines l
    set input_cost_usd = try_cast(n.into as decimal(18, 9)), output_cost_usd = try_cast(n.out as decimal(18, 9)),
        cost_usd = try_cast(n.into + n.out as decimal(18, 9))
    from (select unnest($1::varchar[]) as trace_id, unnest($2::varchar[]) as span_id,
        unnest($3::double[]) as into, unnest($4::double[]) as out) n
    where record is null and n.trace_id = l.trace_id and n.span_id = l.span_id
"""


def _learn_prices(connection: DuckDBPyConnection) -> None:
    """Ask for the prices of models that are not known yet. That a price is unknown is worth knowing too."""
    wanted = " union all ".join(
        f"select provider, {name} as model from fresh.lines where {_NEEDS_COST}" for name in _MODELS
    )
    pairs = connection.execute(f"""
        select provider, model from ({wanted}) where provider is not null and model is not null
        except select provider, model from fresh.prices
    """).fetchall()
    connection.execute("create or replace table fresh.new_prices as from fresh.prices limit 0")
    for provider, model in pairs:
        row = (provider, model, *astuple(prices.price(provider, model)), prices.source())
        connection.execute(f"insert into fresh.new_prices values ({', '.join('?' * len(row))})", row)
    connection.execute("insert into fresh.prices from fresh.new_prices")


def _count_tokens(connection: DuckDBPyConnection) -> None:
    """Count what ended model calls said and heard where no usage came back.

    A function that was given the kind llm has no model to count by, and is left alone. So is a call that does anything
    but write on: pictures and sounds have no tokens that could be counted here.
    """
    result = connection.execute("""
        select trace_id, span_id, coalesce(response_model, request_model), if(input_tokens is null, input, null),
            system_instructions, tool_definitions, if(output_tokens is null, output, null)
        from fresh.lines
        where record is null and kind = 'llm' and end_ns is not null and status in ('OK', 'INCOMPLETE', 'CANCELLED')
            and (input_tokens is null or output_tokens is null)
            and (operation in ('chat', 'text_completion', 'generate_content')
                or (operation is null and output is not null
                    and coalesce(response_model, request_model) is not null))
    """)
    counts = []
    # One by one: their texts may be as large as the slice.
    while call := result.fetchone():
        trace_id, span_id, model, said, system, tools, heard = call
        into, source = tokens.input_tokens(model, said, system, tools) if said is not None else (None, None)
        out, source = tokens.output_tokens(model, heard) if heard is not None else (None, source)
        if source is not None:
            counts.append((trace_id, span_id, into, out, source))
    if counts:
        connection.execute(_SET_TOKENS, list(map(list, zip(*counts, strict=True))))


_SET_TOKENS = """
    update fresh.lines l
    set input_tokens = coalesce(input_tokens, n.into), output_tokens = coalesce(output_tokens, n.out),
        usage_source = n.source
    from (select unnest($1::varchar[]) as trace_id, unnest($2::varchar[]) as span_id, unnest($3::bigint[]) as into,
        unnest($4::bigint[]) as out, unnest($5::varchar[]) as source) n
    where record is null and n.trace_id = l.trace_id and n.span_id = l.span_id
"""
