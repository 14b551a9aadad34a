-- name: person_of
-- Whose a document is.
select person from paper where paper = :paper

-- name: put_paper
-- A document is this person's.
insert into paper (paper, person, rank) values (:paper, :person, :rank)
on conflict (paper) do update set person = excluded.person

-- name: move_papers
-- Two persons are one.
update paper set person = :person where person = :other

-- name: count_papers
-- How many documents a person has, and how many of them are national numbers.
select count(*), count(case when rank = 0 then 1 end) from paper where person = :person

-- name: journey
-- A person's stays under an order.
select id, sealed from journey where scope = :scope and person = :person

-- name: put_journey
-- Keep a person's stays.
insert into journey (scope, person, id, sealed) values (:scope, :person, :id, :sealed)
on conflict (scope, person) do update set id = excluded.id, sealed = excluded.sealed

-- name: drop_journey
-- Its stays are kept with another person's, who is the same.
delete from journey where scope = :scope and person = :person

-- name: journeys
-- How many people's stays are kept under an order; one row is nobody's.
select count(*) from journey where scope = :scope

-- name: put_rule
-- A rule, new or ended.
insert into rule (id, since, until, document, by_agency, at) values (:id, :since, :until, :document, :by_agency, :at)
on conflict (id) do update set since = excluded.since, until = excluded.until, document = excluded.document,
by_agency = excluded.by_agency, at = excluded.at

-- name: rule
-- One rule.
select document from rule where id = :id

-- name: rules
-- Every rule, the oldest first.
select document, by_agency, at from rule order by since, id limit :limit

-- name: rules_on
-- Rules that speak on a day.
select document from rule where since <= :day and (until = '' or until >= :day) order by since, id limit :limit

-- name: put_look
-- Somebody looked.
insert into look (id, person, scope, at, agency, sealed) values (:id, :person, :scope, :at, :agency, :sealed)

-- name: looks
-- Who looked at a person, the newest first.
select id, scope, at, agency, sealed from look where person = :person order by at desc, id limit :limit

-- name: move_looks
-- Two persons are one.
update look set person = :person where person = :other
