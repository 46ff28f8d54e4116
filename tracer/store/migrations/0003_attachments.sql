-- Images, audio and files that spans refer to: each content once, whatever how many spans have it.
create table attachments (
    hash varchar,  -- SHA-256 of the content, in hex
    mime_type varchar,
    bytes bigint  -- how many there are
);

-- The contents, of which a long one is in several pieces, in the order of their numbers.
create table attachment_pieces (
    hash varchar,
    number integer,
    content blob using compression uncompressed
);

-- Which traces refer to an attachment: it is deleted with the last of them.
create table attachment_uses (
    hash varchar,
    trace_id varchar,
    time_ns bigint
);
