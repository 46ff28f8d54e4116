"""The row of a trace, made from the rows of its spans: in SQL, for many traces at once."""

from __future__ import annotations

from tracer.rows import MODEL_CALL_KINDS

_DEEPEST = 500
"""How far inside a model call another one is looked for: parents in a circle must come to an end."""

CALL_KINDS = ", ".join(f"'{kind}'" for kind in MODEL_CALL_KINDS)
"""The kinds of model calls, as a list in SQL."""

SAME_CALL = """
            (a.start_ns, a.span_id) < (b.start_ns, b.span_id) and b.start_ns <= a.until_ns
            and coalesce(a.model = b.model, true)
            and not coalesce(a.scope_name = b.scope_name and a.scope_name <> 'tracer', false)
            and (a.is_estimated or b.is_estimated or (
                coalesce(a.input_tokens = b.input_tokens, true) and coalesce(a.output_tokens = b.output_tokens, true)))
"""
"""Whether `a` and a later `b` with the same response id are one call that two recorded: they overlap, and agree in
model and tokens. Some servers reuse ids; but another's instrumentor tells no call twice."""

_PARSED_BYTES = 1_000_000
"""A longer value is not taken apart for its preview: that takes some eight times its size of memory."""


def _preview(column: str, role: str) -> str:
    """Return SQL for the beginning of a value: the text of the last message by `role`, or the one value of an object,
    as of a function with one argument, or else the JSON as it stands."""
    small = f"if(strlen({column}) < {_PARSED_BYTES}, {column}, null)"
    said = f"coalesce({small}->'$.messages', {small})"
    messages = f"""from_json({said}, '[{{"role":"VARCHAR","parts":[{{"type":"VARCHAR","content":"VARCHAR"}}]}}]')"""
    parts = f"list_filter({messages}, lambda message: message.role = '{role}')[-1].parts"
    said_in = f"list_filter({parts}, lambda part: part.type in ('text', 'refusal'))"
    texts = f"list_transform({said_in}, lambda part: part.content)"
    only = f"if(json_type({small}) = 'OBJECT' and len(json_keys({small})) = 1, ({small}->>'$.*')[1], null)"
    whole = f"coalesce(nullif(array_to_string({texts}, ' '), ''), {only}, {column}->>'$')"
    return f"left(trim(regexp_replace(left({whole}, 1000), '\\s+', ' ', 'g')), 200)"


SUMMARY = f"""
    with recursive
    member as materialized (
        select trace_id, span_id, parent_id, name, kind, start_ns, end_ns, status, status_message, error_type,
            coalesce(response_model, request_model) as model, response_id, input_tokens, output_tokens, cached_tokens,
            cost_usd, session_id, user_id, tags, process_id, output is not null as has_output, scope_name,
            coalesce(usage_source <> 'api', false) as is_estimated
        from fresh.touched_spans
    ),
    call as materialized (
        select *, greatest(start_ns, end_ns) as until_ns,
            -- A call that failed before anything came back used nothing.
            coalesce(status = 'ERROR', false) and response_id is null and not has_output as is_void
        from member where kind in ({CALL_KINDS})
    ),
    -- Two spans are one call if one is inside the other, …
    inside as (
        select s.trace_id, s.parent_id as outer_id, s.span_id, 1 as depth
        from member s semi join call c on c.trace_id = s.trace_id and c.span_id = s.parent_id
        union all
        select s.trace_id, i.outer_id, s.span_id, depth + 1
        from inside i join member s on s.trace_id = i.trace_id and s.parent_id = i.span_id
        where depth < {_DEEPEST}
    ),
    -- … or if both have the same response id and are the same call by all else.
    pair as materialized (
        select trace_id, outer_id, span_id from inside semi join call using (trace_id, span_id)
        where outer_id <> span_id
        union
        select a.trace_id, a.span_id, b.span_id
        from call a join call b using (trace_id, response_id)
        where {SAME_CALL}
    ),
    above as (
        select p.trace_id, p.span_id, bool_or(coalesce(c.input_tokens, c.output_tokens) is not null) as tokens,
            bool_or(c.cost_usd is not null) as cost_usd
        from pair p join call c on c.trace_id = p.trace_id and c.span_id = p.outer_id group by all
    ),
    -- Of one call's figures the outer one counts; but an estimate only where there is none inside.
    other as (
        select p.trace_id, if(o.is_estimated, p.outer_id, p.span_id) as span_id,
            if(o.is_estimated, i.input_tokens, o.input_tokens) as input_tokens,
            if(o.is_estimated, i.output_tokens, o.output_tokens) as output_tokens,
            if(o.is_estimated, i.cached_tokens, o.cached_tokens) as cached_tokens,
            if(o.is_estimated, i.cost_usd, o.cost_usd) as cost_usd
        from pair p join call o on o.trace_id = p.trace_id and o.span_id = p.outer_id
            join call i on i.trace_id = p.trace_id and i.span_id = p.span_id
    ),
    counted as (
        select trace_id, span_id, bool_or(input_tokens is not null) as input_tokens,
            bool_or(output_tokens is not null) as output_tokens, bool_or(cached_tokens is not null) as cached_tokens,
            bool_or(cost_usd is not null) as cost_usd
        from other group by all
    ),
    usage as (
        select c.trace_id,
            count(*) filter (a.span_id is null) as model_call_count,
            sum(c.input_tokens) filter (not coalesce(n.input_tokens, false)) as input_tokens,
            sum(c.output_tokens) filter (not coalesce(n.output_tokens, false)) as output_tokens,
            sum(c.cached_tokens) filter (not coalesce(n.cached_tokens, false)) as cached_tokens,
            sum(c.cost_usd) filter (not coalesce(n.cost_usd, false)) as cost_usd,
            -- The innermost calls with no figure, if those that they are one with have none either.
            count(*) filter (o.outer_id is null and not c.is_void and coalesce(c.input_tokens, c.output_tokens) is null
                and not coalesce(a.tokens, false)) as tokens_unknown_calls,
            count(*) filter (o.outer_id is null and not c.is_void and c.cost_usd is null
                and not coalesce(a.cost_usd, false)) as cost_unknown_calls,
            list_sort(list(distinct c.model) filter (c.model is not null)) as models
        from call c left join above a using (trace_id, span_id) left join counted n using (trace_id, span_id)
            left join (select distinct trace_id, outer_id from pair) o
                on o.trace_id = c.trace_id and o.outer_id = c.span_id
        group by all
    ),
    whole as materialized (
        select trace_id,
            arg_min(
                {{span_id: span_id, name: name, start_ns: start_ns, end_ns: end_ns, status: status,
                    status_message: status_message, process_id: process_id}},
                {{has_parent: coalesce((trace_id, parent_id) in (select (trace_id, span_id) from member), false),
                    start_ns: start_ns, span_id: span_id}}
            ) as root,
            min(start_ns) as start_ns, max(greatest(start_ns, end_ns)) as end_ns, count(*) as span_count,
            count(*) filter (status = 'ERROR') as error_count,
            arg_min(coalesce(status_message, error_type), start_ns) filter (status = 'ERROR') as first_failure,
            arg_min(session_id, start_ns) as session_id, arg_min(user_id, start_ns) as user_id,
            list_sort(list_distinct(flatten(list(tags) filter (tags is not null)))) as tags
        from member group by all
    ),
    shown as (
        select trace_id, {_preview("input", "user")} as input_preview,
            {_preview("output", "assistant")} as output_preview
        from fresh.touched_spans s semi join whole w
            on w.trace_id = s.trace_id and w.root.span_id = s.span_id and w.root.start_ns = s.start_ns
    )
    select trace_id, root.name, w.start_ns, if(root.end_ns is null, null, w.end_ns) as end_ns, root.status,
        coalesce(root.status_message, first_failure) as status_message, span_count, error_count,
        coalesce(model_call_count, 0) as model_call_count,
        -- Sums that no column could hold are no sums of tokens.
        try_cast(input_tokens as bigint) as input_tokens, try_cast(output_tokens as bigint) as output_tokens,
        try_cast(cached_tokens as bigint) as cached_tokens, try_cast(cost_usd as decimal(18, 9)) as cost_usd,
        coalesce(tokens_unknown_calls, 0) as tokens_unknown_calls,
        coalesce(cost_unknown_calls, 0) as cost_unknown_calls,
        models, session_id, user_id, tags, input_preview, output_preview, root.process_id
    from whole w join shown using (trace_id) left join usage using (trace_id)
"""
"""A select of rows of `traces` for all traces in `touched_spans`.

Agents repeat the totals of their calls, so tokens and cost are summed over model calls, and there, field by field,
over the topmost that have a value.
"""
