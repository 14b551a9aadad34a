-- Where a recipient wants to be told that a consent ended, besides asking for it; and when it was told of each.
create table ear (recipient text not null primary key, url text not null, at {real} not null);
alter table ending add column told_at {real};
