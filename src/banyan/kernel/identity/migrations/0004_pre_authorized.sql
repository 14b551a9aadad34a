-- What a person prepared for their wallet: a code that is redeemed once, with a number they type in (its salted hash).
create table openid_pre_authorized (hash {bytes} not null primary key, offer text not null, tx_hash {bytes} not null,
  tries {int} not null, state text not null, expires {real} not null);
create index openid_pre_authorized_expires on openid_pre_authorized (expires);
