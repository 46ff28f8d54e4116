-- What a process could not record, as far as it could still say so.
alter table processes add column dropped_spans bigint;  -- NULL: none that it knows of
alter table processes add column drop_reason varchar;  -- of the last one
