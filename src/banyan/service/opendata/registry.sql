-- name: put_dataset
-- Create or replace a dataset's document and its searched fields.
INSERT INTO dataset (id, name, title, agency_id, licence_id, state, private, metadata_created, metadata_modified, document)
VALUES (:id, :name, :title, :agency_id, :licence_id, :state, :private, :metadata_created, :metadata_modified, :document)
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name, title = excluded.title, agency_id = excluded.agency_id, licence_id = excluded.licence_id,
  state = excluded.state, private = excluded.private, metadata_created = excluded.metadata_created,
  metadata_modified = excluded.metadata_modified, document = excluded.document

-- name: dataset_by_id
-- One dataset by its id.
SELECT document FROM dataset WHERE id = :id

-- name: dataset_by_name
-- One dataset by its present name.
SELECT document FROM dataset WHERE name = :name

-- name: dataset_by_old_name
-- One dataset by a name it had before.
SELECT dataset.document FROM old_name JOIN dataset ON dataset.id = old_name.id
WHERE old_name.kind = 'dataset' AND old_name.name = :name

-- name: dataset_page
-- Datasets by id after a cursor, of every state.
SELECT document FROM dataset WHERE id > :after ORDER BY id LIMIT :limit

-- name: dataset_names
-- Names of the public datasets in alphabetical order.
SELECT name FROM dataset WHERE state = 'active' AND private = 0 ORDER BY name LIMIT :limit OFFSET :offset

-- name: dataset_count
-- How many datasets are public.
SELECT COUNT(*) FROM dataset WHERE state = 'active' AND private = 0

-- name: recent_datasets
-- Public datasets, the last changed first.
SELECT document FROM dataset WHERE state = 'active' AND private = 0
ORDER BY metadata_modified DESC, id LIMIT :limit OFFSET :offset

-- name: datasets_of_agency
-- Public datasets of one agency, by title.
SELECT document FROM dataset WHERE agency_id = :agency_id AND state = 'active' AND private = 0
ORDER BY title, id LIMIT :limit OFFSET :offset

-- name: purge_dataset
-- Remove a dataset's document for good.
DELETE FROM dataset WHERE id = :id

-- name: purge_dataset_resources
-- Remove the rows that lead from resources to the dataset.
DELETE FROM resource WHERE dataset_id = :id

-- name: purge_dataset_old_names
-- Forget the earlier names of a dataset.
DELETE FROM old_name WHERE kind = 'dataset' AND id = :id

-- name: purge_dataset_quality
-- Forget the quality reports of a dataset.
DELETE FROM quality WHERE dataset_id = :id

-- name: purge_dataset_usage
-- Forget the usage counts of a dataset.
DELETE FROM dataset_usage WHERE dataset_id = :id

-- name: put_old_name
-- Remember a name that is no longer used, so that it still leads to the thing.
INSERT INTO old_name (kind, name, id) VALUES (:kind, :name, :id)
ON CONFLICT (kind, name) DO UPDATE SET id = excluded.id

-- name: drop_old_name
-- A name taken into use again leads to its new owner only.
DELETE FROM old_name WHERE kind = :kind AND name = :name

-- name: clear_tags
-- Drop a dataset's tags before they are written anew.
DELETE FROM dataset_tag WHERE dataset_id = :dataset_id

-- name: put_tag
-- Give a dataset a tag.
INSERT INTO dataset_tag (dataset_id, tag) VALUES (:dataset_id, :tag) ON CONFLICT (dataset_id, tag) DO NOTHING

-- name: tag_counts
-- Tags of public datasets and how many carry each.
SELECT dataset_tag.tag, COUNT(*) FROM dataset_tag JOIN dataset ON dataset.id = dataset_tag.dataset_id
WHERE dataset.state = 'active' AND dataset.private = 0
GROUP BY dataset_tag.tag ORDER BY dataset_tag.tag

-- name: clear_themes
-- Drop a dataset's themes before they are written anew.
DELETE FROM dataset_theme WHERE dataset_id = :dataset_id

-- name: put_dataset_theme
-- Put a dataset under a theme.
INSERT INTO dataset_theme (dataset_id, theme) VALUES (:dataset_id, :theme) ON CONFLICT (dataset_id, theme) DO NOTHING

-- name: theme_counts
-- Public datasets under each theme.
SELECT dataset_theme.theme, COUNT(*) FROM dataset_theme JOIN dataset ON dataset.id = dataset_theme.dataset_id
WHERE dataset.state = 'active' AND dataset.private = 0 GROUP BY dataset_theme.theme

-- name: agency_counts
-- Public datasets of each agency.
SELECT agency_id, COUNT(*) FROM dataset WHERE state = 'active' AND private = 0 GROUP BY agency_id

-- name: put_resource
-- Lead from a resource to its dataset.
INSERT INTO resource (id, dataset_id, position, version, state, file_sha256)
VALUES (:id, :dataset_id, :position, :version, :state, :file_sha256)
ON CONFLICT (id) DO UPDATE SET dataset_id = excluded.dataset_id, position = excluded.position,
  version = excluded.version, state = excluded.state, file_sha256 = excluded.file_sha256

-- name: drop_resource
-- Remove the row that leads from a resource to its dataset.
DELETE FROM resource WHERE id = :id

-- name: resource_owner
-- The dataset that holds a resource.
SELECT dataset.document FROM resource JOIN dataset ON dataset.id = resource.dataset_id WHERE resource.id = :id

-- name: resource_by_alias
-- The resource an alias stands for.
SELECT resource_id FROM resource_alias WHERE alias = :alias

-- name: put_alias
-- Let an alias stand for a resource.
INSERT INTO resource_alias (alias, resource_id) VALUES (:alias, :resource_id)
ON CONFLICT (alias) DO UPDATE SET resource_id = excluded.resource_id

-- name: drop_aliases
-- Drop all aliases of a resource.
DELETE FROM resource_alias WHERE resource_id = :resource_id

-- name: aliases_of
-- The aliases of one resource.
SELECT alias FROM resource_alias WHERE resource_id = :resource_id ORDER BY alias

-- name: put_choice
-- Remember the publish options of a resource for its next file.
INSERT INTO resource_choice (resource_id, document) VALUES (:resource_id, :document)
ON CONFLICT (resource_id) DO UPDATE SET document = excluded.document

-- name: choice_of
-- The remembered publish options of a resource.
SELECT document FROM resource_choice WHERE resource_id = :resource_id

-- name: drop_choice
-- Forget the publish options of a resource.
DELETE FROM resource_choice WHERE resource_id = :resource_id

-- name: put_version
-- Add a version, or renew what is known about it.
INSERT INTO version (resource_id, number, at, table_rows, parquet, sha256, choices, lasting, document)
VALUES (:resource_id, :number, :at, :table_rows, :parquet, :sha256, :choices, :lasting, :document)
ON CONFLICT (resource_id, number) DO UPDATE SET at = excluded.at, table_rows = excluded.table_rows,
  parquet = excluded.parquet, sha256 = excluded.sha256, choices = excluded.choices, lasting = excluded.lasting,
  document = excluded.document

-- name: version_by_number
-- One version of a resource.
SELECT document FROM version WHERE resource_id = :resource_id AND number = :number

-- name: version_standing
-- The fingerprint of the options a version was made with, and whether it is kept for good.
SELECT choices, lasting FROM version WHERE resource_id = :resource_id AND number = :number

-- name: last_number
-- The highest version number ever kept for a resource.
SELECT MAX(number) FROM version WHERE resource_id = :resource_id

-- name: versions_before
-- Versions of a resource, the newest first, below a number.
SELECT document FROM version WHERE resource_id = :resource_id AND number < :before ORDER BY number DESC LIMIT :limit

-- name: version_count
-- How many versions of a resource are kept.
SELECT COUNT(*) FROM version WHERE resource_id = :resource_id

-- name: version_ages
-- Number, time and lastingness of each version, the newest first: the input of retention.
SELECT number, at, lasting FROM version WHERE resource_id = :resource_id ORDER BY number DESC

-- name: drop_version
-- Remove one version's record.
DELETE FROM version WHERE resource_id = :resource_id AND number = :number

-- name: drop_versions
-- Remove all versions of a resource.
DELETE FROM version WHERE resource_id = :resource_id

-- name: files_of_version
-- The lake key and the blob of one version.
SELECT parquet, sha256 FROM version WHERE resource_id = :resource_id AND number = :number

-- name: files_of_resource
-- The lake keys and blobs of all versions of a resource.
SELECT parquet, sha256 FROM version WHERE resource_id = :resource_id

-- name: parquet_uses
-- How many versions point to a lake file.
SELECT COUNT(*) FROM version WHERE parquet = :parquet

-- name: blob_uses
-- How many versions and plain files point to a blob.
SELECT (SELECT COUNT(*) FROM version WHERE sha256 = :sha256)
     + (SELECT COUNT(*) FROM resource WHERE file_sha256 = :sha256)

-- name: put_agency
-- Create or replace an agency.
INSERT INTO agency (id, name, title, state, document) VALUES (:id, :name, :title, :state, :document)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, title = excluded.title, state = excluded.state,
  document = excluded.document

-- name: agency_by_id
-- One agency by its id.
SELECT document FROM agency WHERE id = :id

-- name: agency_by_name
-- One agency by its present name.
SELECT document FROM agency WHERE name = :name

-- name: agency_by_old_name
-- One agency by a name it had before.
SELECT agency.document FROM old_name JOIN agency ON agency.id = old_name.id
WHERE old_name.kind = 'agency' AND old_name.name = :name

-- name: all_agencies
-- Every active agency, by title.
SELECT document FROM agency WHERE state = 'active' ORDER BY title, id

-- name: purge_agency
-- Remove an agency for good.
DELETE FROM agency WHERE id = :id

-- name: put_theme
-- Create or replace a theme.
INSERT INTO theme (id, name, title, state, document) VALUES (:id, :name, :title, :state, :document)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, title = excluded.title, state = excluded.state,
  document = excluded.document

-- name: theme_by_id
-- One theme by its id.
SELECT document FROM theme WHERE id = :id

-- name: theme_by_name
-- One theme by its present name.
SELECT document FROM theme WHERE name = :name

-- name: theme_by_old_name
-- One theme by a name it had before.
SELECT theme.document FROM old_name JOIN theme ON theme.id = old_name.id
WHERE old_name.kind = 'theme' AND old_name.name = :name

-- name: all_themes
-- Every active theme, by title.
SELECT document FROM theme WHERE state = 'active' ORDER BY title, id

-- name: purge_theme
-- Remove a theme for good.
DELETE FROM theme WHERE id = :id

-- name: put_quality
-- Keep a quality report of a dataset at a time.
INSERT INTO quality (dataset_id, at, document) VALUES (:dataset_id, :at, :document)
ON CONFLICT (dataset_id, at) DO UPDATE SET document = excluded.document

-- name: quality_series
-- Quality reports of a dataset, the newest first.
SELECT document FROM quality WHERE dataset_id = :dataset_id ORDER BY at DESC LIMIT :limit

-- name: latest_qualities
-- The newest quality report of every public dataset.
SELECT quality.document FROM quality JOIN dataset ON dataset.id = quality.dataset_id
WHERE dataset.state = 'active' AND dataset.private = 0
  AND quality.at = (SELECT MAX(newer.at) FROM quality AS newer WHERE newer.dataset_id = quality.dataset_id)

-- name: drop_old_quality
-- Forget quality reports of a dataset before a time.
DELETE FROM quality WHERE dataset_id = :dataset_id AND at < :before

-- name: put_request
-- Create or replace a request for data.
INSERT INTO data_request (id, at, status, document) VALUES (:id, :at, :status, :document)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, document = excluded.document

-- name: request_by_id
-- One request for data.
SELECT document FROM data_request WHERE id = :id

-- name: requests_page
-- Requests for data, the newest first; an empty status means any.
SELECT document FROM data_request WHERE (:status = '' OR status = :status) ORDER BY at DESC, id LIMIT :limit OFFSET :offset

-- name: request_count
-- How many requests for data have a status; an empty status means any.
SELECT COUNT(*) FROM data_request WHERE (:status = '' OR status = :status)

-- name: requests_since
-- How many requests for data came in since a time: the door's bound on them.
SELECT COUNT(*) FROM data_request WHERE at > :since

-- name: put_contact
-- Keep how to reach the person who asked; never joined to a listing.
INSERT INTO request_contact (request_id, contact) VALUES (:request_id, :contact)

-- name: contact_of
-- How to reach the person who asked; for the administrator who answers.
SELECT contact FROM request_contact WHERE request_id = :request_id

-- name: drop_contact
-- Forget how to reach the person once the request is closed.
DELETE FROM request_contact WHERE request_id = :request_id

-- name: add_usage
-- Add to a dataset's counts of a day.
INSERT INTO dataset_usage (dataset_id, day, views, downloads, calls) VALUES (:dataset_id, :day, :views, :downloads, :calls)
ON CONFLICT (dataset_id, day) DO UPDATE SET views = dataset_usage.views + excluded.views,
  downloads = dataset_usage.downloads + excluded.downloads, calls = dataset_usage.calls + excluded.calls

-- name: usage_days
-- A dataset's counts by day since a day, oldest first.
SELECT day, views, downloads, calls FROM dataset_usage WHERE dataset_id = :dataset_id AND day >= :since ORDER BY day

-- name: usage_total
-- A dataset's counts since the beginning.
SELECT COALESCE(SUM(views), 0), COALESCE(SUM(downloads), 0), COALESCE(SUM(calls), 0)
FROM dataset_usage WHERE dataset_id = :dataset_id

-- name: usage_leaders
-- The most used datasets since a day.
SELECT dataset_usage.dataset_id, SUM(dataset_usage.views), SUM(dataset_usage.downloads), SUM(dataset_usage.calls)
FROM dataset_usage JOIN dataset ON dataset.id = dataset_usage.dataset_id
WHERE dataset_usage.day >= :since AND dataset.state = 'active' AND dataset.private = 0
GROUP BY dataset_usage.dataset_id
ORDER BY SUM(dataset_usage.views) + SUM(dataset_usage.downloads) + SUM(dataset_usage.calls) DESC, dataset_usage.dataset_id
LIMIT :limit

-- name: put_publish_key
-- Remember what a publish answered, for a retry under the same key.
INSERT INTO publish_key (idempotency_key, at, payload, document) VALUES (:idempotency_key, :at, :payload, :document)
ON CONFLICT (idempotency_key) DO NOTHING

-- name: publish_key
-- What a publish under this key answered, and the fingerprint of what it was asked.
SELECT payload, document FROM publish_key WHERE idempotency_key = :idempotency_key

-- name: drop_publish_keys
-- Forget keys older than a time.
DELETE FROM publish_key WHERE at < :before

-- name: stage
-- Note a file about to be put down, or let go, by a job whose outcome is not yet known.
INSERT INTO staged (kind, key, job, at) VALUES (:kind, :key, :job, :at) ON CONFLICT (kind, key, job) DO NOTHING

-- name: unstage_job
-- The job has committed: its files are in use.
DELETE FROM staged WHERE job = :job

-- name: unstage
-- The file is swept, or found in use.
DELETE FROM staged WHERE kind = :kind AND key = :key AND job = :job

-- name: staged
-- Every file put down or let go without a known outcome.
SELECT kind, key, job FROM staged

-- name: staged_by_others
-- How many other jobs are about to use a file.
SELECT COUNT(*) FROM staged WHERE kind = :kind AND key = :key AND job <> :job AND job <> ''
