-- name: duties_of
-- An agency's areas of responsibility.
select agency, desk, area from duty where agency = :agency order by desk, area

-- name: duties
-- All areas of responsibility.
select agency, desk, area from duty order by area, desk, agency

-- name: put_duty
-- Give an agency an area.
insert into duty (agency, desk, area) values (:agency, :desk, :area) on conflict (agency, desk, area) do nothing

-- name: drop_duty
-- Take an area from an agency.
delete from duty where agency = :agency and desk = :desk and area = :area
