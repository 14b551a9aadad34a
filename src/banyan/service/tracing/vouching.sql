-- name: newest
-- An agency's newest word on a question.
select at, salt, record, noted from vouch where order_id = :order_id and question = :question and agency = :agency
order by at desc limit 1

-- name: put
-- An agency's word, before it is in the log.
insert into vouch (order_id, question, agency, at, day, officer, reason, salt, record, place, noted)
values (:order_id, :question, :agency, :at, :day, :officer, :reason, :salt, :record, -1, :noted)

-- name: other
-- Another agency's officer has said so since a moment.
select 1 from vouch where order_id = :order_id and question = :question and agency <> :agency and officer <> :officer
and at > :since limit 1

-- name: place
-- It is in the log.
update vouch set place = :place
where order_id = :order_id and question = :question and agency = :agency and at = :at

-- name: said_on
-- Words of an agency on a day.
select count(*) from vouch where agency = :agency and day = :day

-- name: lists
-- Questions whose numbers may be written, under each order: two agencies vouched for them, and their persons were told.
select order_id, count(*) from (
  select order_id, question from vouch where place >= 0 group by order_id, question
  having count(distinct agency) > 1 and max(noted) <> ''
) pairs group by order_id
