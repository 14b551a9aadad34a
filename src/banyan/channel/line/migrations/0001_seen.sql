-- Webhook events that were answered, so that a redelivery is not answered twice. An id (ULID) tells of nobody.
create table seen (
    event_id text primary key,
    at {real} not null
);

create index seen_by_time on seen (at);
