/**
 * Demonstrates capturing and applying changes on real data: `npm run demo`.
 *
 * Imports airports, flights and movies into a database, captures a few thousand edits as a changeset in the sqlite3
 * shell, applies it to an unchanged copy with the API, and compares the two databases row by row.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { dist, root } from './sources.js';

const data = join(root, 'node_modules/vega-datasets/data');
const folder = mkdtempSync(join(tmpdir(), 'sqlite-wasm-run-demo-'));

/** Runs the shell as `sqlite-wasm-run FILE < script` does. */
function shell(file: string, script: string): void {
  const program = join(dist, 'cli/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, file], {
    cwd: folder,
    input: script.replace(/^ +/gm, ''), // a dot command must be at the start of a line
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  if (status !== 0 || stderr) throw new Error(`the shell ended with status ${status}: ${stderr}`);
}

function heading(text: string): void {
  console.log(`\n${text}`);
}

try {
  heading('1. Import airports (CSV), flights and movies (JSON) into base.db');
  shell(
    'base.db',
    `CREATE TABLE airports(iata TEXT PRIMARY KEY, name, city, state, country, latitude REAL, longitude REAL)
      WITHOUT ROWID;
    CREATE TABLE flights(date TEXT, origin TEXT, destination TEXT, delay INT, distance INT, number INT,
      PRIMARY KEY(date, origin, destination, number));
    CREATE TABLE movies(id INTEGER PRIMARY KEY, title, gross INT, released, rating REAL);
    .import --csv --skip 1 ${join(data, 'airports.csv')} airports
    INSERT INTO flights SELECT value->>'date', value->>'origin', value->>'destination', value->>'delay',
      value->>'distance', key FROM json_each(readfile('${join(data, 'flights-10k.json')}'));
    INSERT INTO movies SELECT key + 1, value->>'Title', value->>'Worldwide Gross', value->>'Release Date',
      value->>'IMDB Rating' FROM json_each(readfile('${join(data, 'movies.json')}'));
    SELECT (SELECT count(*) FROM airports) || ' airports, ' || (SELECT count(*) FROM flights) ||
      ' flights, ' || (SELECT count(*) FROM movies) || ' movies';`,
  );
  copyFileSync(join(folder, 'base.db'), join(folder, 'copy.db'));

  heading('2. Edit base.db in the shell, with a session attached');
  shell(
    'base.db',
    `.load extensions/session.wasm
    CREATE TEMP TABLE s AS SELECT session_create('main') AS h;
    SELECT 'attached: ' || session_attach(h, NULL) FROM s;
    UPDATE flights SET delay = delay + 60 WHERE origin = 'ORD';
    DELETE FROM flights WHERE delay < -25;
    UPDATE airports SET state = lower(state) WHERE latitude > 45;
    INSERT INTO airports VALUES ('ZZZ', 'Null Island', NULL, NULL, NULL, 0.0, 0.0);
    UPDATE movies SET rating = round(rating * 10) WHERE rating IS NOT NULL;
    DELETE FROM movies WHERE gross = 0;
    SELECT total_changes() || ' changes in this connection';
    SELECT 'changeset: ' || writefile('edits.changeset', session_changeset(h)) || ' bytes' FROM s;
    SELECT 'deleted: ' || session_delete(h) FROM s;`,
  );

  heading('3. Apply the changeset to copy.db with the API');
  const copy = new DatabaseSync(join(folder, 'copy.db'));
  const started = performance.now();
  const applied = copy.applyChangeset(readFileSync(join(folder, 'edits.changeset')));
  console.log(`applied: ${applied} (${Math.round(performance.now() - started)} ms)`);

  heading('4. Compare');
  copy.exec(`ATTACH '${join(folder, 'base.db')}' AS base`);
  let differences = 0;
  for (const table of ['airports', 'flights', 'movies']) {
    const row = copy
      .prepare(
        `SELECT (SELECT count(*) FROM main.${table}) AS rows,
          (SELECT count(*) FROM (SELECT * FROM main.${table} EXCEPT SELECT * FROM base.${table})) +
          (SELECT count(*) FROM (SELECT * FROM base.${table} EXCEPT SELECT * FROM main.${table})) AS differences`,
      )
      .get();
    console.log(`${table}: ${row?.rows} rows, ${row?.differences} differences`);
    differences += Number(row?.differences);
  }
  copy.close();
  console.log(differences === 0 ? '\nbase.db and copy.db are equal' : '\nbase.db and copy.db differ');
  if (!applied || differences > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
