/** Sessions and changesets, compared with node:sqlite. */

import { type Case, table } from '../kit/api-table.js';

const recording: Case[] = [
  ['tables().createSession(1)', '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ['tables().createSession(null)', '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  [
    'tables().createSession({ table: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.table" argument must be a string.',
  ],
  ['tables().createSession({ db: 1 })', '! ERR_INVALID_ARG_TYPE The "options.db" argument must be a string.'],
  ["tables().createSession({ table: 'nope' }).changeset()", "x''"],
  [
    `
      const db = tables();
      const s = db.createSession();
      db.exec("INSERT INTO t VALUES (1,'x'); INSERT INTO u VALUES (2)");
      return [s.changeset(), s.patchset(), s.close()]`,
    "[x'540201007400120001000000000000000103017854010175001200010000000000000002', " +
      "x'500201007400120001000000000000000103017850010175001200010000000000000002', undefined]",
  ],
  [
    `
      const db = tables();
      const s = db.createSession({ table: 'u' });
      db.exec("INSERT INTO t VALUES (1,'x'); INSERT INTO u VALUES (2)");
      return s.changeset()`,
    "x'54010175001200010000000000000002'",
  ],
  [
    `
      const db = tables();
      db.exec('CREATE TEMP TABLE q(a INTEGER PRIMARY KEY)');
      const s = db.createSession({ db: 'temp' });
      db.exec('INSERT INTO q VALUES (1)');
      return s.changeset()`,
    "x'54010171001200010000000000000001'",
  ],
  ['tables().createSession().changeset()', "x''"],
  [
    `
      const s = tables().createSession();
      s.close();
      return [attempt(() => s.close()), attempt(() => s.changeset()), attempt(() => s.patchset()),
        s[Symbol.dispose]()]`,
    '["! ERR_INVALID_STATE session is not open", "! ERR_INVALID_STATE session is not ' +
      'open", "! ERR_INVALID_STATE session is not open", undefined]',
  ],
  [
    `
      const db = tables();
      const s = db.createSession();
      db.close();
      return [attempt(() => s.changeset()), attempt(() => s.close()), s[Symbol.dispose]()]`,
    '["! ERR_INVALID_STATE database is not open", "! ERR_INVALID_STATE database is ' +
      'not open", undefined]',
  ],
  [
    `
      const db = tables();
      const s = db.createSession();
      db.close();
      db.open();
      return [attempt(() => s.changeset()), attempt(() => s.close())]`,
    '["! ERR_INVALID_STATE session is not open", "! ERR_INVALID_STATE session is not open"]',
  ],
  [
    'const s = tables().createSession(); return new s.constructor()',
    '! ERR_ILLEGAL_CONSTRUCTOR Illegal constructor',
  ],
  [
    `
      const db = tables();
      const s = db.createSession();
      db.function("f", { deterministic: true }, (a) => { attempt(() => s.close());
        attempt(() => db.close()); return a; });
      db.exec("CREATE TABLE g(a INTEGER PRIMARY KEY, b AS (f(a))); INSERT INTO g(a) VALUES (1)");
      return [s.changeset().length > 0, db.isOpen]`,
    '[true, true]',
  ],
];
table('recording', recording);

const applying: Case[] = [
  [
    'const db = tables(); return [db.applyChangeset(changes()), rows(db)]',
    '[true, [[{a: 1, b: "x"}, {a: 2, b: "y"}], [{a: 5}]]]',
  ],
  ['tables().applyChangeset()', '! ERR_INVALID_ARG_TYPE The "changeset" argument must be a Uint8Array.'],
  ["tables().applyChangeset('x')", '! ERR_INVALID_ARG_TYPE The "changeset" argument must be a Uint8Array.'],
  [
    'tables().applyChangeset(new Uint16Array(1))',
    '! ERR_INVALID_ARG_TYPE The "changeset" argument must be a Uint8Array.',
  ],
  ['tables().applyChangeset(Buffer.from(changes()))', 'true'],
  [
    'tables().applyChangeset(changes(), 1)',
    '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.',
  ],
  [
    'tables().applyChangeset(changes(), null)',
    '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.',
  ],
  [
    'tables().applyChangeset(changes(), { filter: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.filter" argument must be a function.',
  ],
  [
    'tables().applyChangeset(changes(), { onConflict: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.onConflict" argument must be a function.',
  ],
  [
    // Our message differs because it names the byte, and Node's error has no errstr.
    'try { tables().applyChangeset(new Uint8Array([1, 2, 3])); } catch (error) { return [error.code, error.errcode] }',
    '["ERR_SQLITE_ERROR", 11]',
  ],
  ['tables().applyChangeset(new Uint8Array())', 'true'],
  ['open().applyChangeset(changes())', 'true'],
  [
    `
      const db = tables();
      const seen = [];
      const done = db.applyChangeset(changes(), { filter: (name) => { seen.push(name);
        return name === 'u'; } });
      return [done, rows(db), seen]`,
    '[true, [[], [{a: 5}]], ["t", "u"]]',
  ],
  [
    `
      const db = tables();
      return [db.applyChangeset(changes(), { filter: () => undefined }), rows(db)]`,
    '[true, [[], []]]',
  ],
  [
    `
      const db = tables();
      return [attempt(() => db.applyChangeset(changes(), { filter: () => {
        throw new RangeError('mine'); } })), rows(db)]`,
    '["! mine", [[], []]]',
  ],
  [
    'const db = conflicting(); return [db.applyChangeset(changes()), rows(db)]',
    '[false, [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      let kind;
      const done = db.applyChangeset(changes(), { onConflict: (k) => { kind = k; return 0; } });
      return [done, kind, rows(db)]`,
    '[true, 3, [[{a: 1, b: "zz"}, {a: 2, b: "y"}], [{a: 5}]]]',
  ],
  [
    `
      const db = conflicting();
      let kind;
      const done = db.applyChangeset(changes(), { onConflict: (k) => { kind = k; return 1; } });
      return [done, kind, rows(db)]`,
    '[true, 3, [[{a: 1, b: "x"}, {a: 2, b: "y"}], [{a: 5}]]]',
  ],
  [
    `
      const db = conflicting();
      let kind;
      const done = db.applyChangeset(changes(), { onConflict: (k) => { kind = k; return 2; } });
      return [done, kind, rows(db)]`,
    '[false, 3, [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => 3 })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => -1 })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => 0.5 })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => 2 ** 32 })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => NaN })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => '0' })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => undefined })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => null })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => 1n })), rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => Promise.resolve(0) })),
        rows(db)]`,
    '["! ERR_SQLITE_ERROR 21 bad parameter or other API misuse", [[{a: 1, b: "zz"}], []]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => {
        throw new RangeError('mine'); } })), rows(db), db.prepare('SELECT 1 AS a').get()]`,
    '["! mine", [[{a: 1, b: "zz"}], []], {a: 1}]',
  ],
  [
    `
      const a = conflicting();
      const s = a.createSession();
      a.exec('DELETE FROM t');
      const kinds = [];
      return [tables().applyChangeset(s.changeset(), { onConflict: (k) => { kinds.push(k); return 0;
        } }), kinds]`,
    '[true, [2]]',
  ],
  [
    `
      const db = conflicting();
      return [attempt(() => db.applyChangeset(changes(), { onConflict: () => db.close() })),
        attempt(() => db.applyChangeset(changes(), { filter: () => db.close() })), db.isOpen]`,
    '["! ERR_INVALID_STATE database cannot be closed while in a callback", "! ' +
      'ERR_INVALID_STATE database cannot be closed while in a callback", true]',
  ],
  [
    'Object.entries(api.constants).filter(([name]) => ' +
      "name.startsWith('SQLITE_CHANGESET_')).sort().map(([name, value]) => " +
      'name.slice(17) + value)',
    '["ABORT2", "CONFLICT3", "CONSTRAINT4", "DATA1", "FOREIGN_KEY5", "NOTFOUND2", ' + '"OMIT0", "REPLACE1"]',
  ],
];
table('applying', applying);
