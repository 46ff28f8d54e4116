-- Cost over time, by model
-- chart: columns
-- unit: usd
select
    start_ns // $bucket * $bucket as time,
    coalesce(response_model, request_model, 'unknown') as model,
    sum(cost_usd) as cost
from spans
where cost_usd is not null and kind in ('llm', 'embedding', 'reranker')
group by time, model
order by time
