-- name: head
-- The file's columns.
describe given

-- name: with_lang
-- Rows as they are looked at, of a file that knows languages.
create temp view looked as
select *, case when lower(lang) like 'zh%' or lang is null or lang = '' then 'zh-Hant' else 'en' end as said from given

-- name: without_lang
-- Rows as they are looked at, of a file that knows no languages.
create temp view looked as select *, 'zh-Hant' as said from given

-- name: wanted_cells
-- The cells that are meant.
create temp table wanted as select distinct unnest($cells) as place

-- name: wanted_codes
-- The places that are meant.
create temp table wanted as select distinct unnest($codes) as place

-- name: by_cell
-- Who is in one of the cells.
select '+' || ltrim(number::varchar, '+'), said
from looked semi join wanted on looked.cell::varchar = wanted.place
where regexp_full_match(number::varchar, '\+?[1-9][0-9]{6,14}')

-- name: by_area
-- Who is in one of the places, by the code of a town or village; or in a town with a village that is meant.
select '+' || ltrim(number::varchar, '+'), said
from looked
where regexp_full_match(number::varchar, '\+?[1-9][0-9]{6,14}') and len(area::varchar) in (8, 11) and (
  area::varchar in (select place from wanted)
  or left(area::varchar, 8) in (select place from wanted)
  or left(area::varchar, 5) in (select place from wanted)
  or (len(area::varchar) = 8 and area::varchar in (select left(place, 8) from wanted where len(place) = 11))
)

-- name: wrong_cell
-- Rows whose number or cell is none.
select count(*) from given
where not coalesce(regexp_full_match(number::varchar, '\+?[1-9][0-9]{6,14}'), false)
  or not coalesce(regexp_full_match(cell::varchar, '[0-9]{3}-[0-9]{2,3}-[0-9]{1,8}-[0-9]{1,11}'), false)

-- name: wrong_area
-- Rows whose number is none, or whose place is neither a town's nor a village's code.
select count(*) from given
where not coalesce(regexp_full_match(number::varchar, '\+?[1-9][0-9]{6,14}'), false)
  or not coalesce(regexp_full_match(area::varchar, '[0-9]{8}|[0-9]{11}'), false)
