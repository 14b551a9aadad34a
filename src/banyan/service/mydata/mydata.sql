-- name: set_since
-- Note since when uses are kept; the first word stands.
insert into kept_since (one, at) values (1, :at) on conflict (one) do nothing

-- name: since
-- Since when uses are kept.
select at from kept_since where one = 1

-- name: keep_artefact
-- Keep a consent's artefact; the first stands.
insert into artefact (consent, commitment, signed) values (:consent, :commitment, :signed) on conflict (consent) do nothing

-- name: artefact
-- A consent's artefact.
select commitment, signed from artefact where consent = :consent
