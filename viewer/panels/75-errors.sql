-- Errors
-- opens: name:{name} error
select
    name,
    coalesce(error_type, 'error') as error,
    any_value(status_message) as message,
    count(*) as times,
    max(start_ns) as "last:time"
from spans
where status = 'ERROR'
group by name, error
order by times desc
limit 50
