-- name: put
-- What was said at a visit.
insert into tocc (agency, visit, person, at, sealed) values (:agency, :visit, :person, :at, :sealed)

-- name: of_visit
-- What a hospital kept of a visit.
select person, at, sealed from tocc where agency = :agency and visit = :visit
