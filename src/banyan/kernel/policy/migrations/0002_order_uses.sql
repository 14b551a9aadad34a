-- How often each agency used an order on a day; counts only, published as open data.
create table order_use (power text not null, agency text not null, day {int} not null, uses {int} not null,
  primary key (power, agency, day));
create index order_use_by_day on order_use (day);
