-- name: put_word
-- Keep a person's newest word on a kind.
insert into opt_word (subject, kind, is_out, at, idx, salt, record) values (:subject, :kind, :is_out, :at, :idx, :salt, :record)
on conflict (subject, kind) do update set is_out = excluded.is_out, at = excluded.at, idx = excluded.idx, salt = excluded.salt,
record = excluded.record

-- name: word
-- A person's newest word on a kind.
select kind, is_out, at, idx, salt, record from opt_word where subject = :subject and kind = :kind

-- name: words_of
-- A person's newest words.
select kind, is_out, at, idx, salt, record from opt_word where subject = :subject order by kind limit :limit

-- name: people_out
-- How many people stopped each kind.
select kind, count(*) from opt_word where is_out = 1 group by kind order by kind limit :limit
