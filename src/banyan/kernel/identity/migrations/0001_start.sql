-- Each subject's data key, wrapped; null once it was destroyed: the row stays, so that no new key takes its place.
create table vault_key (
  scope text not null,
  subject {bytes} not null,
  wrapped {bytes},
  destroyed_at {real},
  primary key (scope, subject)
);
