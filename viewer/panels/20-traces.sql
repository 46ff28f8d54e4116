-- Traces over time
-- chart: columns
select
    start_ns // $bucket * $bucket as time,
    count(*) filter (error_count = 0) as ok,
    count(*) filter (error_count > 0) as "with errors"
from traces
group by time
order by time
