"""What `$calls` means in a panel: the model calls, each once."""

from __future__ import annotations

from tracer.store.summary import CALL_KINDS, SAME_CALL

CALLS = f"""(
    with model_calls as materialized (
        select trace_id, span_id, start_ns, greatest(start_ns, end_ns) as until_ns, response_id,
            coalesce(response_model, request_model) as model, scope_name, input_tokens, output_tokens,
            coalesce(input_tokens, output_tokens) is not null as has_tokens,
            coalesce(usage_source <> 'api', false) as is_estimated
        from spans where kind in ({CALL_KINDS})
    ),
    below as (
        select s.trace_id, s.span_id, s.parent_id as outer_id
        from spans s semi join model_calls c on c.trace_id = s.trace_id and c.span_id = s.parent_id
    ),
    inside as (
        from below
        union
        select s.trace_id, s.span_id, b.outer_id
        from spans s join below b on b.trace_id = s.trace_id and b.span_id = s.parent_id
    ),
    -- Two spans are one call if one is inside the other, or if both have the same response id and are the same call.
    pair as (
        select trace_id, outer_id, span_id from inside
        union
        select a.trace_id, a.span_id, b.span_id
        from model_calls a join model_calls b using (trace_id, response_id)
        where {SAME_CALL}
    ),
    -- The outer one counts, but where the inner one alone has what the API told.
    again as (
        select distinct p.trace_id,
            if(i.has_tokens and (o.is_estimated or not o.has_tokens), o.span_id, i.span_id) as span_id
        from pair p join model_calls o on o.trace_id = p.trace_id and o.span_id = p.outer_id
            join model_calls i on i.trace_id = p.trace_id and i.span_id = p.span_id
    )
    select * from spans anti join again using (trace_id, span_id) where kind in ({CALL_KINDS})
)"""
"""A select in brackets with the columns of `spans`. It counts as the sums of traces do (`tracer.store.summary`), but
call by call, where those count figure by figure, and without recursion, which takes some ten times as long: of calls
inside each other it finds those between which no more than one span lies."""
