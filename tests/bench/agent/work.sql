CREATE TABLE entry(id INTEGER PRIMARY KEY, name TEXT, value REAL, note TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
  INSERT INTO entry SELECT i, printf('name-%d', i * 7919 % 40000), i * 0.5,
    printf('%s %s', hex(randomblob(20)), i) FROM n;
COMMIT;
CREATE INDEX by_name ON entry(name);
SELECT count(*), sum(length(note)) FROM entry WHERE name LIKE 'name-1%';
SELECT group_concat(name) FROM (SELECT name FROM entry ORDER BY note LIMIT 2000);
SELECT substr(name, 1, 7) AS k, count(*), avg(value) FROM entry GROUP BY k ORDER BY 2 DESC LIMIT 5;
UPDATE entry SET note = note || name WHERE id % 3 = 0;
DELETE FROM entry WHERE id % 5 = 0;
SELECT count(*) FROM entry AS a JOIN entry AS b ON a.name = b.name;
