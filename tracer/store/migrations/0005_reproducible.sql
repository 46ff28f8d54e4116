-- What it takes to know later what ran, and whether all of it was recorded.
alter table processes add column git_dirty boolean;  -- tracked files differ from the commit; NULL: not known
alter table processes add column git_diff varchar;  -- `git apply` of it makes what ran of the commit
alter table processes add column git_untracked varchar[];  -- names of files that git does not know, nor ignores
alter table processes add column git_note varchar;  -- what the diff lacks, or why there is none
alter table processes add column capture_content boolean;  -- false: texts were not recorded
alter table processes add column recording_failures bigint;  -- times that something could not be recorded; NULL: none

-- A function's id is the hash of its module, its name and its compiled code, so that the same code has the same id in
-- every process of one version of Python. Its source is NULL where it is not known for certain: typed at a prompt, made
-- by `exec`, or changed on the disk since.
