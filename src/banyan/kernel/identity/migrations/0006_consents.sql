-- Which grant carries a person's consent: when the consent ends, so does the grant with its tokens.
create table openid_consent (consent text not null primary key, granted text not null);
