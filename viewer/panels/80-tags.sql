-- Tags
-- opens: tag:{tag}
select
    unnest(tags) as tag,
    count(*) as traces,
    avg((error_count > 0)::int) as "with errors:share",
    sum(cost_usd) as "cost:usd",
    quantile_cont(end_ns - start_ns, 0.5) as "p50:ns"
from traces
group by tag
order by traces desc
limit 50
