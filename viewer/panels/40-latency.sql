-- Latency of traces
-- chart: lines
-- unit: ns
select
    start_ns // $bucket * $bucket as time,
    quantile_cont(end_ns - start_ns, 0.5) as p50,
    quantile_cont(end_ns - start_ns, 0.95) as p95,
    quantile_cont(end_ns - start_ns, 0.99) as p99
from traces
where end_ns is not null
group by time
order by time
