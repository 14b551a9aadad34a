-- Messages that this gateway's clients handed over, by their client and X-Road-Id.
create table sent (
  seq {id},
  client text not null,
  message_id text not null,
  service text not null,
  peer text not null,
  lane text not null,
  fingerprint {bytes} not null,
  state text not null,
  due {real} not null,
  tries {int} not null default 0,
  accepted_at {real} not null,
  until_at {real} not null,
  receipt text not null,
  peer_receipt text not null default '',
  answer_receipt text not null default '',
  answer_status {int} not null default 0,
  changed_at {real} not null,
  reason text not null default '',
  unique (client, message_id)
);
create index sent_due on sent (state, peer, due, seq);
create index sent_lane on sent (lane, state, seq);
create index sent_changed on sent (state, changed_at);

-- Messages that this gateway's providers are to answer: asynchronous ones, and synchronous ones that asked to be known.
create table received (
  seq {id},
  kind text not null,
  client text not null,
  message_id text not null,
  service text not null,
  peer text not null,
  lane text not null,
  fingerprint {bytes} not null,
  state text not null,
  due {real} not null,
  tries {int} not null default 0,
  handings {int} not null default 0,
  accepted_at {real} not null,
  until_at {real} not null,
  receipt text not null,
  answer_receipt text not null default '',
  answer_status {int} not null default 0,
  changed_at {real} not null,
  reason text not null default '',
  unique (kind, client, message_id)
);
create index received_due on received (kind, state, service, due, seq);
create index received_back on received (kind, state, peer, due, seq);
create index received_lane on received (lane, state, seq);
create index received_changed on received (kind, state, changed_at);

-- What they hold: written once, deleted once, so that a change of state moves no body. Large bodies are blobs.
create table content (
  side text not null,
  client text not null,
  message_id text not null,
  part text not null,
  head {bytes} not null,
  inline {bytes} not null,
  file text not null,
  size {int} not null,
  primary key (side, client, message_id, part)
);
create index content_blob on content (file);
