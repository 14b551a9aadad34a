-- Everybody's consents under a purpose, in batches, for when it is closed.
create index consent_of_purpose on consent (purpose, id);
