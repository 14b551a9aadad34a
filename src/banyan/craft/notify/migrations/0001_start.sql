-- `name` is the caller's id of it; `key` the campaign's own key, sealed in the keys folder's scope. The n_ columns count
-- messages by state, changed in the transaction that changes the messages, so that progress is one row's read.
create table campaign (
    id {id},
    name text not null unique,
    lane {int} not null,
    sender text not null,
    at {real} not null,
    key {bytes} not null,
    stopped_at {real},
    forgotten_at {real},
    n_0 {int} not null default 0,
    n_1 {int} not null default 0,
    n_2 {int} not null default 0,
    n_3 {int} not null default 0,
    n_4 {int} not null default 0,
    n_5 {int} not null default 0,
    n_6 {int} not null default 0,
    parts {int} not null default 0
);

-- `mark` is keyed by the campaign's key: one text is kept once.
create table wording (
    id {id},
    campaign {int} not null references campaign (id),
    mark {bytes} not null,
    sealed {bytes} not null,
    parts {int} not null,
    unique (campaign, mark)
);

-- `number` is one block under the campaign's key: the seal and the uniqueness at once. `changed` orders receipts.
create table message (
    id {id},
    campaign {int} not null,
    number {bytes} not null,
    wording {int} not null,
    expires {real} not null,
    state {int} not null default 0,
    tries {int} not null default 0,
    answered {int} not null default 0,
    delivered {int} not null default 0,
    changed {int} not null default 0,
    at {real} not null,
    unique (campaign, number)
);

create index message_waiting on message (campaign, id) where state = 0;

create index message_sending on message (id) where state = 1;

create index message_changed on message (campaign, changed) where changed > 0;

-- One SMS that an SMSC took, by the id that it gave it.
create table part (
    smsc text not null,
    id text not null,
    message {int} not null,
    number {int} not null,
    is_delivered {int} not null default 0,
    primary key (smsc, id)
){clustered};

-- A receipt that came before the answer with its id.
create table early (
    smsc text not null,
    id text not null,
    state {int} not null,
    at {real} not null,
    primary key (smsc, id)
){clustered};

create table reply (
    id {id},
    campaign {int} not null,
    number {bytes} not null,
    sealed {bytes} not null,
    at {real} not null
);

create index reply_campaign on reply (campaign, id);

-- Numbers that opted out, one block under the node's own key.
create table quiet (
    number {bytes} not null,
    lane {int} not null,
    at {real} not null,
    primary key (number, lane)
){clustered};
