-- How the last rows of each table came into the file, for whoever adds to them (tracer/store/batches.py).
create table batches (
    table_name varchar,
    number integer,  -- in the order in which they lie in the table
    rows bigint,
    bytes bigint
);
