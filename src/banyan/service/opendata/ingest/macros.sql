-- How a cell's text becomes a value. Each macro gives the value, or NULL when the text does not fit.
-- They are the only definition of every pattern: inference counts with them, the writer converts with them.

-- A cell as people meant it: full-width digits and signs folded, outer spaces gone.
create macro fold(v) as trim(translate(v,
  '０１２３４５６７８９．，／－：％＋（）　−＄', '0123456789.,/-:%+() -$'), E' \t\r\n ');

-- What people write for "no value" in a column of numbers or dates.
create macro is_missing(v) as lower(fold(v)) in (
  '', '-', '--', '---', '—', '–', '─', 'na', 'n/a', '#n/a', 'null', 'none', 'nan', '…', '...', '..', '.', '不詳', '無', '無資料', '未提供', '不明', '*', '/');

-- is_plain_…(v, x): that the cell is written so plainly that x, DuckDB's own cast of it, is its value.
create macro is_whole(v) as regexp_full_match(v, '[+-]?(\d{1,18}|\d{1,3}(,\d{3}){1,5})');
create macro as_integer(v) as case when is_whole(fold(v)) then try_cast(replace(fold(v), ',', '') as bigint) end;
create macro is_plain_integer(v, x) as x::varchar = v;

create macro finite(x) as case when isfinite(x) then x end;
create macro is_zero_led(v) as case when starts_with(v, '0') then regexp_full_match(v, '0\d+') else false end;
create macro is_decimal(v) as regexp_full_match(v, '[+-]?(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d*)?([eE][+-]?\d{1,3})?|[+-]?\.\d+');
create macro as_number(v) as case when is_decimal(fold(v)) then finite(try_cast(replace(fold(v), ',', '') as double)) end;
create macro is_plain_number(v, x) as x is not null and regexp_full_match(v, '-?\d{1,15}(\.\d+)?');
create macro as_percent(v) as case when suffix(fold(v), '%') then as_number(trim(fold(v), '%')) end;
create macro as_money(v) as case
  when regexp_full_match(fold(v), '(NT\$|NTD|TWD|US\$|\$|新臺幣|新台幣).+|.+(元|圓)')
  then as_number(regexp_replace(fold(v), '^(NT\$|NTD|TWD|US\$|\$|新臺幣|新台幣)|(元|圓)整?$', '', 'g')) end;

create macro as_true_false(v) as case lower(fold(v)) when 'true' then true when 'false' then false end;
create macro as_yes_no(v) as case
  when lower(fold(v)) in ('true', 't', 'y', 'yes', '1', '是', '有', '○', 'v') then true
  when lower(fold(v)) in ('false', 'f', 'n', 'no', '0', '否', '無', '沒有', '╳', 'x') then false end;

create macro day_of(y, m, d) as try_cast(y || '-' || m || '-' || d as date);
create macro ce(roc) as cast(1911 + try_cast(roc as integer) as varchar);
create macro before_roc(years) as cast(1912 - try_cast(years as integer) as varchar);

create macro is_plain_date(v, x) as x is not null and regexp_full_match(v, '(1[5-9]|2\d)\d\d-\d{2}-\d{2}');
create macro as_date(v) as case when regexp_full_match(fold(v), '(1[5-9]|2\d|99)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?') then
  day_of(regexp_extract(fold(v), '^(\d{4})', 1), regexp_extract(fold(v), '^\d{4}\D(\d{1,2})', 1),
         regexp_extract(fold(v), '(\d{1,2})日?$', 1)) end;
create macro as_date_8(v) as case when regexp_full_match(fold(v), '(1[89]|2[01])\d{6}') then
  day_of(substr(fold(v), 1, 4), substr(fold(v), 5, 2), substr(fold(v), 7, 2)) end;
-- 民國115年11月23日, 115/11/23, 民前1年1月2日 (民國 1 = 1912)
create macro as_roc_date(v) as case
  when regexp_full_match(fold(v), '民前\s*\d{1,2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?') then
    day_of(before_roc(regexp_extract(fold(v), '^民前\s*(\d{1,2})', 1)),
           regexp_extract(fold(v), '(\d{1,2})\s*[-/.月]\s*\d{1,2}\s*日?$', 1), regexp_extract(fold(v), '(\d{1,2})\s*日?$', 1))
  when regexp_full_match(fold(v), '((中華)?民國)?\s*\d{1,3}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?') then
    day_of(ce(regexp_extract(fold(v), '(\d{1,3})', 1)),
           regexp_extract(fold(v), '(\d{1,2})\s*[-/.月]\s*\d{1,2}\s*日?$', 1), regexp_extract(fold(v), '(\d{1,2})\s*日?$', 1)) end;
-- 1151123, 991231
create macro as_roc_date_7(v) as case when regexp_full_match(fold(v), '\d{6,7}') then
  day_of(ce(left(lpad(fold(v), 7, '0'), 3)), substr(lpad(fold(v), 7, '0'), 4, 2), substr(lpad(fold(v), 7, '0'), 6, 2)) end;
create macro as_date_dmy(v) as case when regexp_full_match(fold(v), '\d{1,2}[-/.]\d{1,2}[-/.]\d{4}') then
  day_of(right(fold(v), 4), regexp_extract(fold(v), '^\d{1,2}\D(\d{1,2})', 1), regexp_extract(fold(v), '^(\d{1,2})', 1)) end;
create macro as_date_mdy(v) as case when regexp_full_match(fold(v), '\d{1,2}[-/.]\d{1,2}[-/.]\d{4}') then
  day_of(right(fold(v), 4), regexp_extract(fold(v), '^(\d{1,2})', 1), regexp_extract(fold(v), '^\d{1,2}\D(\d{1,2})', 1)) end;
-- 10/14, 10月1日: a day of no year
create macro is_yearless(v) as regexp_full_match(fold(v), '(0?[1-9]|1[0-2])[/月](0?[1-9]|[12]\d|3[01])日?');

create macro as_month(v) as case when regexp_full_match(fold(v), '\d{4}[-/年]\d{1,2}月?') then
  day_of(left(fold(v), 4), regexp_extract(fold(v), '(\d{1,2})月?$', 1), '1') end;
create macro as_month_6(v) as case when regexp_full_match(fold(v), '(1[89]|2[01])\d{4}') then
  day_of(left(fold(v), 4), right(fold(v), 2), '1') end;
create macro as_roc_month(v) as case when regexp_full_match(fold(v), '((中華)?民國)?\s*\d{2,3}\s*[-/年]\s*\d{1,2}\s*月?') then
  day_of(ce(regexp_extract(fold(v), '(\d{2,3})', 1)), regexp_extract(fold(v), '(\d{1,2})\s*月?$', 1), '1') end;
-- 11410
create macro as_roc_month_5(v) as case when regexp_full_match(fold(v), '\d{4,5}') then
  day_of(ce(left(lpad(fold(v), 5, '0'), 3)), right(fold(v), 2), '1') end;

create macro as_year(v) as case when regexp_full_match(fold(v), '(1[89]|2[01])\d{2}(年度?)?') then try_cast(left(fold(v), 4) as integer) end;
create macro as_roc_year(v) as case when regexp_full_match(fold(v), '((中華)?民國)?\s*\d{1,3}\s*(學?年度?)?') then
  1911 + try_cast(regexp_extract(fold(v), '(\d{1,3})', 1) as integer) end;

create macro as_time(v) as case when regexp_full_match(fold(v), '([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?') then
  try_cast(fold(v) as time) end;

create macro is_plain_datetime(v, x) as x is not null and regexp_full_match(v, '\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?');
-- Cells that read as DuckDB writes them, to the second; 19 characters leave out infinity and BC.
create macro is_written_datetime(v, x) as strlen(v) = 19 and x::varchar = v;
create macro as_datetime_14(v) as case when regexp_full_match(fold(v), '(1[89]|2[01])\d{12}') then
  try_strptime(fold(v), '%Y%m%d%H%M%S') end;
create macro as_zoned_datetime(v) as case
  when regexp_full_match(v, '\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:\d{2})?)') then
  try_cast(try_cast(v as timestamptz) as timestamp) end;
-- The clock part of "2020/2/14 下午 09:05:34"
create macro clock_of(v) as try_cast(regexp_extract(v, '(\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?)$', 1) as time);
create macro afternoon(v) as case
  when v like '%下午%' and hour(clock_of(v)) < 12 then to_hours(12)
  when v like '%上午%' and hour(clock_of(v)) = 12 then to_hours(-12)
  else to_hours(0) end;
create macro day_part(v) as regexp_extract(v, '^(.*?\d日?)[ T]*(上午|下午)?\s*\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?$', 1);
create macro as_datetime(v) as as_date(day_part(fold(v))) + clock_of(fold(v)) + afternoon(fold(v));
create macro as_roc_datetime(v) as as_roc_date(day_part(fold(v))) + clock_of(fold(v)) + afternoon(fold(v));
create macro as_datetime_dmy(v) as as_date_dmy(day_part(fold(v))) + clock_of(fold(v)) + afternoon(fold(v));
create macro as_datetime_mdy(v) as as_date_mdy(day_part(fold(v))) + clock_of(fold(v)) + afternoon(fold(v));

create macro as_text(v) as nullif(trim(v, E' \t\r\n 　'), '');
-- A code that became a number (145080011.0) or lost its leading zeros.
create macro as_code(v, width) as case
  when regexp_full_match(v, '\d+(\.0+)?') and strlen(regexp_replace(v, '\.0+$', '')) <= width
  then lpad(regexp_replace(v, '\.0+$', ''), width, '0') else as_text(v) end;
-- The same where the file has no other blank than the space.
create macro is_spaced(v) as suffix(v, ' ') or (v < '!' and v >= ' ');
create macro is_padded(v) as left(v, 1) in (' ', E'\t', E'\n', E'\r', ' ', '　')
  or right(v, 1) in (' ', E'\t', E'\n', E'\r', ' ', '　');
-- What readers trip over in a text cell.
create macro has_markup(v) as regexp_matches(v, '</?[a-zA-Z][^<>]*>');
create macro has_escape(v) as regexp_matches(v, '\\[rnt]');
create macro has_formula(v) as ascii(v) in (43, 45, 61, 64) and strlen(v) > 1;
create macro has_replacement(v) as contains(v, '�');
create macro has_private_use(v) as regexp_matches(v, '[\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFD}]');
create macro as_json(v) as case when json_valid(v) then v end;
