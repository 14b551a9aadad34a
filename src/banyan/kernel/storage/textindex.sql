-- name: make_meta
-- What the index was built with and how far it follows its source.
create table if not exists meta (key text primary key, value integer not null) strict

-- name: make_documents
-- One row a document: n is its number in the word table, facets is JSON.
create table if not exists document (n integer primary key, id text not null unique, facets text not null) strict

-- name: make_words
-- Bigrams by rank class (a heaviest); contentless: the records keep the text.
create virtual table if not exists words using fts5 (
  a, b, c, d, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '.'"
)

-- name: get_meta
-- One number.
select value from meta where key = :key

-- name: set_meta
-- Remember one number.
insert into meta (key, value) values (:key, :value) on conflict (key) do update set value = excluded.value

-- name: all_documents
-- Everything that the facet arrays are made from.
select n, id, facets from document order by n

-- name: put_document
-- Add one document.
insert into document (n, id, facets) values (:n, :id, :facets)

-- name: put_words
-- Add its bigrams.
insert into words (rowid, a, b, c, d) values (:n, :a, :b, :c, :d)

-- name: remove_document
-- Forget one document.
delete from document where n = :n

-- name: remove_words
-- Forget its bigrams.
delete from words where rowid = :n

-- name: best
-- The best of the matching documents, by BM25 with the classes' weights; a tie goes to the older number.
select rowid, bm25(words, 12.0, 6.0, 2.0, 1.0) as score
from words where words match :query order by score, rowid limit :limit offset :offset

-- name: scored
-- All matching documents with their scores.
select rowid, bm25(words, 12.0, 6.0, 2.0, 1.0) from words where words match :query

-- name: matching
-- All matching documents.
select rowid from words where words match :query
