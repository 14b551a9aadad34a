-- name: put
-- A contest.
insert into contest (id, person, scope, rule, at, sealed, state, decided, agency, officer, answer)
values (:id, :person, :scope, :rule, :at, :sealed, 'open', 0, '', '', :answer)

-- name: of_person
-- What a person contested under an order.
select id, scope, rule, at, sealed, state, decided, agency, answer from contest
where person = :person and scope = :scope order by at desc, id

-- name: all_of_person
-- What a person ever contested.
select id, scope, rule, at, sealed, state, decided, agency, answer from contest
where person = :person order by at desc, id limit :limit

-- name: waiting
-- What waits for immigration, the oldest first.
select id, scope, rule, at, sealed, state, decided, agency, answer from contest
where state = 'open' order by at, id limit :limit

-- name: one
-- One contest.
select id, scope, rule, at, sealed, state, decided, agency, answer from contest where id = :id

-- name: decide
-- Immigration decided; once.
update contest set state = :state, decided = :at, agency = :agency, officer = :officer, answer = :answer
where id = :id and state = 'open' returning id

-- name: count
-- How many are in a state.
select count(*) from contest where state = :state

-- name: move
-- Two persons are one.
update contest set person = :person where person = :other
