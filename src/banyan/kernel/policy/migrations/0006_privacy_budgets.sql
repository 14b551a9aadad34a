-- How much of their privacy the persons of a data set may lose to a recipient's statistics ('*': to all together), and
-- what was spent of it, in millionths of epsilon.
create table privacy_budget (dataset text not null, recipient text not null, most {int} not null, spent {int} not null,
  primary key (dataset, recipient));

-- Each spending, kept for good: what was asked, by whom, when and for how much. Nothing of a person.
create table privacy_spending (id text not null primary key, dataset text not null, recipient text not null,
  cost {int} not null, at {real} not null, asked text not null);
create index privacy_spending_of on privacy_spending (dataset, recipient, at);
