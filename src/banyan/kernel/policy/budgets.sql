-- name: allot
-- Set how much may be spent; what was spent stays.
insert into privacy_budget (dataset, recipient, most, spent) values (:dataset, :recipient, :most, 0)
on conflict (dataset, recipient) do update set most = excluded.most

-- name: hold
-- Keep others from a data set's budgets until this transaction ends.
update privacy_budget set spent = spent where dataset = :dataset

-- name: budgets
-- A recipient's budget and that of all together.
select recipient, most, spent from privacy_budget
where dataset = :dataset and recipient in (:recipient, '*') order by recipient

-- name: spend
-- Take from a recipient's budget and from that of all together.
update privacy_budget set spent = spent + :cost where dataset = :dataset and recipient in (:recipient, '*')

-- name: keep_spending
-- Write down what it was spent for.
insert into privacy_spending (id, dataset, recipient, cost, at, asked) values (:id, :dataset, :recipient, :cost, :at, :asked)

-- name: spending
-- One spending by its id.
select dataset, recipient, cost, at, asked from privacy_spending where id = :id

-- name: spendings
-- What a recipient's budget went for, the newest first.
select id, cost, at, asked from privacy_spending
where dataset = :dataset and recipient = :recipient order by at desc, id limit :limit
