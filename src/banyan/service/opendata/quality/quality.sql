-- name: put_summary
-- The newest result of a dataset.
INSERT INTO quality_summary (dataset_id, at, medal, mqa) VALUES (:dataset_id, :at, :medal, :mqa)
ON CONFLICT (dataset_id) DO UPDATE SET at = excluded.at, medal = excluded.medal, mqa = excluded.mqa

-- name: measured
-- When a dataset was last measured.
SELECT at FROM quality_summary WHERE dataset_id = :dataset_id

-- name: unmeasured
-- Active datasets that were never measured.
SELECT dataset.id FROM dataset LEFT JOIN quality_summary ON quality_summary.dataset_id = dataset.id
WHERE dataset.state = 'active' AND quality_summary.dataset_id IS NULL

-- name: clear_problems
-- Forget the problems of a dataset before writing the new ones.
DELETE FROM quality_problem WHERE dataset_id = :dataset_id

-- name: put_problem
-- One check that a dataset failed, and in how many cells.
INSERT INTO quality_problem (dataset_id, code, cells) VALUES (:dataset_id, :code, :cells)

-- name: content
-- The content checks of a table version.
SELECT document FROM quality_content WHERE resource_id = :resource_id AND number = :number

-- name: put_content
-- Keep the content checks of a table version.
INSERT INTO quality_content (resource_id, number, document) VALUES (:resource_id, :number, :document)
ON CONFLICT (resource_id, number) DO UPDATE SET document = excluded.document

-- name: drop_older_content
-- Forget the content checks of versions no longer served.
DELETE FROM quality_content WHERE resource_id = :resource_id AND number < :number

-- name: link
-- What the last look at an address found.
SELECT at, document FROM quality_link WHERE url = :url

-- name: put_link
-- Keep what a look at an address found.
INSERT INTO quality_link (url, at, document) VALUES (:url, :at, :document)
ON CONFLICT (url) DO UPDATE SET at = excluded.at, document = excluded.document

-- name: drop_stale_links
-- Forget addresses not looked at since a time: no dataset names them any more.
DELETE FROM quality_link WHERE at < :before

-- name: board
-- Each agency with public datasets: how many, how many were measured, mean MQA, medals of each kind.
SELECT dataset.agency_id, COUNT(*), COUNT(quality_summary.dataset_id), COALESCE(AVG(quality_summary.mqa), 0),
  COALESCE(SUM(CASE WHEN quality_summary.medal = 'platinum' THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN quality_summary.medal = 'gold' THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN quality_summary.medal = 'silver' THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN quality_summary.medal = 'bronze' THEN 1 ELSE 0 END), 0)
FROM dataset LEFT JOIN quality_summary ON quality_summary.dataset_id = dataset.id
WHERE dataset.state = 'active' AND dataset.private = 0
GROUP BY dataset.agency_id ORDER BY dataset.agency_id

-- name: board_problems
-- Failed checks by agency: in how many datasets, in how many cells; the most common first.
SELECT dataset.agency_id, quality_problem.code, COUNT(*), SUM(quality_problem.cells)
FROM quality_problem JOIN dataset ON dataset.id = quality_problem.dataset_id
WHERE dataset.state = 'active' AND dataset.private = 0
GROUP BY dataset.agency_id, quality_problem.code
ORDER BY COUNT(*) DESC, quality_problem.code

-- name: worst
-- The measured public datasets with the lowest score.
SELECT dataset.name, dataset.title, quality_summary.mqa, quality_summary.medal
FROM quality_summary JOIN dataset ON dataset.id = quality_summary.dataset_id
WHERE dataset.state = 'active' AND dataset.private = 0
ORDER BY quality_summary.mqa, dataset.name LIMIT :limit

-- name: put_day
-- An agency's standing on a day; the last of the day stays.
INSERT INTO quality_day (agency_id, day, datasets, mqa, medals) VALUES (:agency_id, :day, :datasets, :mqa, :medals)
ON CONFLICT (agency_id, day) DO UPDATE
SET datasets = excluded.datasets, mqa = excluded.mqa, medals = excluded.medals

-- name: days
-- The standings since a day.
SELECT agency_id, day, datasets, mqa, medals FROM quality_day WHERE day >= :since ORDER BY agency_id, day
