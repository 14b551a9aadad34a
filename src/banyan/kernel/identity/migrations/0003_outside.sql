-- Who is known at an outside issuer under which `sub`: a keyed hash of both, so that the issuer's list finds nothing here.
create table outside_link (hash {bytes} not null primary key, account text not null, at {real} not null);
create index outside_link_of on outside_link (account);
