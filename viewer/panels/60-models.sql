-- Models
-- opens: model:{model}
select
    coalesce(response_model, request_model, 'unknown') as model,
    count(*) as calls,
    avg((status = 'ERROR')::int) as "errors:share",
    sum(input_tokens) as "tokens in:tokens",
    sum(cached_tokens) as "cached:tokens",
    sum(output_tokens) as "tokens out:tokens",
    sum(cost_usd) as "cost:usd",
    quantile_cont(end_ns - start_ns, 0.5) as "p50:ns",
    quantile_cont(end_ns - start_ns, 0.95) as "p95:ns"
from $calls
group by model
order by "cost:usd" desc nulls last, calls desc
