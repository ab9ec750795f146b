-- What the profile shall not call cold: features that speedtest1 and the works of the benchmark leave out.
.mode list
.output /dev/null
PRAGMA cache_size=-4000;

-- Text and numbers
CREATE TABLE n(i INTEGER PRIMARY KEY, t TEXT, r REAL, b BLOB);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<20000)
  INSERT INTO n SELECT i, 'item '||(i*7919%20011)||CASE WHEN i%9=0 THEN ' äöü €' ELSE '' END, i*0.37, zeroblob(i%40) FROM c;
SELECT upper(t), lower(t), length(t), substr(t,3,4), instr(t,'7'), trim(t), replace(t,'item','x'), hex(b), quote(r),
  unicode(t), char(65+i%26), printf('%05d %8.3f %s %q', i, r, t, t), abs(r), round(r,1), coalesce(NULL,t), iif(i%2,t,r),
  typeof(r), max(i,r), min(i,r), nullif(i,5), concat_ws(',',i,t), octet_length(t), sign(r), unhex(hex(t)) FROM n;
SELECT count(*) FROM n WHERE t LIKE '%7%1' OR t GLOB 'item 1*9' OR t LIKE 'ITEM 2%';
SELECT count(*) FROM n WHERE i BETWEEN 100 AND 9000 AND r IN (SELECT r FROM n WHERE i%3=0);
SELECT sin(r), sqrt(r), pow(r,2), floor(r), ceil(r), log(r+1), mod(i,7), atan2(r,i) FROM n;
SELECT date(i*86400,'unixepoch'), datetime(i*3600,'unixepoch','+3 days','start of month'), strftime('%Y-%j %H:%M',i*1000,'unixepoch'),
  julianday('2026-01-01','+'||i||' hours'), unixepoch('2026-03-04 05:06:07') FROM n WHERE i<4000;
SELECT sum(i), total(r), avg(r), group_concat(t,';'), count(DISTINCT t), median(r), percentile(r,90) FROM n GROUP BY i%50;
SELECT CAST(t AS INTEGER), CAST(r AS TEXT), CAST(i AS BLOB), CAST('12.5'||i AS REAL), i||'', r||'', i/3, r/3, i%7, i<<3, ~i, -r FROM n;

-- Sorting, joining, grouping, windows
CREATE INDEX n_t ON n(t);
CREATE INDEX n_r ON n(r DESC, t) WHERE i%2;
CREATE TABLE k(code TEXT PRIMARY KEY, i INT REFERENCES n(i) ON DELETE CASCADE, note TEXT DEFAULT 'none') WITHOUT ROWID;
CREATE INDEX k_i ON k(i);
INSERT INTO k(code,i) SELECT 'code '||i, i FROM n WHERE i%2=0;
SELECT n.t, k.note FROM n JOIN k ON k.i=n.i ORDER BY n.t DESC, k.code;
SELECT n.t, k.note FROM k LEFT JOIN n USING(i) WHERE k.code>'code 5' ORDER BY k.code LIMIT 2000 OFFSET 100;
SELECT DISTINCT substr(t,1,7) FROM n UNION SELECT note FROM k EXCEPT SELECT 'none' ORDER BY 1;
SELECT i, row_number() OVER w, rank() OVER w, lag(t) OVER w, sum(r) OVER (PARTITION BY i%10 ORDER BY i ROWS 5 PRECEDING),
  ntile(4) OVER w, first_value(t) OVER w FROM n WHERE i<6000 WINDOW w AS (PARTITION BY i%7 ORDER BY t);
SELECT (SELECT count(*) FROM k WHERE k.i=n.i), EXISTS(SELECT 1 FROM k WHERE k.code='code '||n.i) FROM n;
SELECT t COLLATE NOCASE FROM n ORDER BY t COLLATE NOCASE, r LIMIT 3000;
WITH RECURSIVE tree(id, up) AS (SELECT 1, 0 UNION ALL SELECT i, i/2 FROM n JOIN tree ON n.i IN (id*2, id*2+1) WHERE id<4000)
  SELECT count(*), max(up) FROM tree;

-- Writing
CREATE TABLE log(at INT, what TEXT);
CREATE TRIGGER n_u AFTER UPDATE ON n BEGIN INSERT INTO log VALUES(new.i, old.t||'>'||new.t); END;
CREATE TRIGGER k_d AFTER DELETE ON k BEGIN INSERT INTO log VALUES(old.i, old.code); END;
CREATE VIEW v AS SELECT i, t FROM n;
CREATE TRIGGER v_i INSTEAD OF INSERT ON v BEGIN INSERT INTO n(i,t) VALUES(new.i, new.t); END;
PRAGMA foreign_keys=ON;
BEGIN;
UPDATE n SET t=t||'!', r=r+1 WHERE i%3=0;
INSERT INTO v SELECT i+100000, t FROM n WHERE i<2000;
SAVEPOINT s1; DELETE FROM n WHERE i>100500; ROLLBACK TO s1; RELEASE s1;
DELETE FROM n WHERE i%10=4;
INSERT INTO n(i,t) SELECT i, 'again' FROM n WHERE i<3000 ON CONFLICT(i) DO UPDATE SET t=excluded.t||i RETURNING i, t;
INSERT OR REPLACE INTO k SELECT code, i, 'replaced' FROM k WHERE i<4000;
INSERT OR IGNORE INTO k SELECT code, i, 'ignored' FROM k;
UPDATE k SET note=n.t FROM n WHERE n.i=k.i;
COMMIT;
ALTER TABLE k ADD COLUMN extra INT GENERATED ALWAYS AS (i*2) VIRTUAL;
ALTER TABLE k RENAME COLUMN note TO remark;
SELECT sum(extra) FROM k;
CREATE TABLE strict(a INT, b TEXT, c REAL, d ANY, CHECK(a>=0), UNIQUE(b)) STRICT;
INSERT INTO strict SELECT i, 'b'||i, i*1.5, t FROM n WHERE i<8000;
CREATE TEMP TABLE tt AS SELECT * FROM n WHERE i<5000;
ATTACH ':memory:' AS other;
CREATE TABLE other.n AS SELECT * FROM main.n;
DELETE FROM other.n WHERE i%2;
ANALYZE;
REINDEX;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
VACUUM;
EXPLAIN QUERY PLAN SELECT * FROM n JOIN k USING(i) WHERE t='x';
SELECT count(*) FROM dbstat;
SELECT count(*) FROM pragma_table_xinfo('k'), pragma_index_list('n');

-- Full text
CREATE VIRTUAL TABLE f5 USING fts5(title, body, tokenize='porter unicode61', prefix='2 3');
INSERT INTO f5 SELECT t, 'the quick brown fox number '||i||' jumps over lazy dogs and '||t||' runs away' FROM n WHERE i<5000;
SELECT rowid, highlight(f5,1,'<','>'), snippet(f5,1,'[',']','..',5), bm25(f5) FROM f5 WHERE f5 MATCH 'fox AND ("over lazy" OR run*) NOT 77' ORDER BY rank LIMIT 500;
SELECT count(*) FROM f5 WHERE f5 MATCH 'title:item + jumps' OR f5 MATCH 'nea*';
DELETE FROM f5 WHERE rowid%5=0;
UPDATE f5 SET body='changed '||body WHERE rowid%7=0;
INSERT INTO f5(f5) VALUES('optimize'); INSERT INTO f5(f5) VALUES('integrity-check');
CREATE VIRTUAL TABLE f5v USING fts5vocab(f5,'row');
SELECT count(*), sum(cnt) FROM f5v;
CREATE VIRTUAL TABLE f4 USING fts4(body);
INSERT INTO f4 SELECT 'pack my box with five dozen jugs '||t FROM n WHERE i<3000;
SELECT snippet(f4), offsets(f4), matchinfo(f4) FROM f4 WHERE f4 MATCH 'box jug* NEAR five';

-- Space
CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1, y0, y1, +label);
INSERT INTO rt SELECT i, i%500, i%500+3, i/50, i/50+2, t FROM n WHERE i<8000;
SELECT count(*) FROM rt WHERE x0>100 AND x1<200 AND y0<60;
DELETE FROM rt WHERE id%3=0;
CREATE VIRTUAL TABLE geo USING geopoly(name);
INSERT INTO geo(_shape, name) SELECT geopoly_regular(i%300, i%200, 3, 6), t FROM n WHERE i<1500;
SELECT count(*), sum(geopoly_area(_shape)) FROM geo WHERE geopoly_overlap(_shape, geopoly_bbox('[[10,10],[60,10],[60,60],[10,60],[10,10]]'));

-- JSON
CREATE TABLE j(d);
INSERT INTO j SELECT json_object('id', i, 'name', t, 'tags', json_array('a', i, r), 'in', json('{"x":[1,2,{"y":null}]}')) FROM n WHERE i<5000;
SELECT d->>'$.name', d->'tags', json_extract(d,'$.in.x[2].y','$.id'), json_type(d,'$.tags'), json_array_length(d,'$.tags'),
  json_set(d,'$.new',1), json_remove(d,'$.in'), json_patch(d,'{"id":null,"z":[1]}'), json_valid(d), json_quote(d) FROM j;
SELECT sum(value) FROM j, json_each(d,'$.tags') WHERE type='integer';
SELECT count(*) FROM j, json_tree(d) WHERE atom IS NOT NULL;
SELECT json_group_array(d->>'id'), json_group_object(d->>'id', d->>'name') FROM j;
UPDATE j SET d=jsonb(d);
SELECT json(d), d->>'$.in.x[0]' FROM j;

-- The shell's own forms of output
.mode json
SELECT * FROM n LIMIT 5000;
.mode csv
SELECT * FROM n LIMIT 5000;
.mode box
SELECT * FROM n LIMIT 1000;
.mode quote
SELECT * FROM n LIMIT 5000;
.dump n
