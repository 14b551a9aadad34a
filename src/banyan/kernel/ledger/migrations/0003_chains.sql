-- The head of a subject's chain stands in the use that moved it: one random write a use less than a table of heads.
-- Uses before this have it at the newest of each subject only.
alter table release add column head {bytes};
update release set head = (select subject.head from subject where subject.key = release.subject)
where position = (select subject.uses from subject where subject.key = release.subject);
drop table subject;

-- Counting reads every use once, with this index or without; keeping it cost every use a random write.
drop index release_counted;
