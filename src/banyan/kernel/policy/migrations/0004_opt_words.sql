-- A person's newest word on a kind of secondary use, with what its entry in the log commits to; counts go by kind.
create table opt_word (subject text not null, kind text not null, is_out {int} not null, at {real} not null, idx {int} not null,
  salt {bytes} not null, record {bytes} not null, primary key (subject, kind));
create index opt_word_by_kind on opt_word (kind, is_out);
