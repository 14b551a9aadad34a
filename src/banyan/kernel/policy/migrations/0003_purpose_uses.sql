-- How often a recipient read a subject for a purpose on a day: fair use is bounded by the purpose's own word.
create table purpose_use (purpose text not null, subject text not null, day {int} not null, uses {int} not null,
  primary key (purpose, subject, day));
create index purpose_use_by_day on purpose_use (day);
