-- Cost over time, by model
-- chart: columns
-- unit: usd
select
    start_ns // $bucket * $bucket as time,
    coalesce(response_model, request_model, 'unknown') as model,
    sum(cost_usd) as cost
from $calls
where cost_usd is not null
group by time, model
order by time
