-- Public acts that are written once, however often they are tried: the name of each and its entry.
create table act (key text not null primary key, idx {int} not null);
