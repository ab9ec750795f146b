/** How SQLite is compiled: the same for the core and for the native build that the tests compare it with. */

/** The features that users of the official builds rely on, and the choices that change what they see. */
export const features: readonly string[] = [
  '-DSQLITE_THREADSAFE=0',
  '-DSQLITE_ENABLE_SESSION',
  '-DSQLITE_ENABLE_PREUPDATE_HOOK',
  '-DSQLITE_ENABLE_FTS3',
  '-DSQLITE_ENABLE_FTS3_PARENTHESIS',
  '-DSQLITE_ENABLE_FTS4',
  '-DSQLITE_ENABLE_FTS5',
  '-DSQLITE_ENABLE_RTREE',
  '-DSQLITE_ENABLE_GEOPOLY',
  '-DSQLITE_ENABLE_MATH_FUNCTIONS',
  '-DSQLITE_ENABLE_PERCENTILE',
  '-DSQLITE_ENABLE_DBSTAT_VTAB',
  '-DSQLITE_ENABLE_DBPAGE_VTAB',
  '-DSQLITE_ENABLE_STMTVTAB',
  '-DSQLITE_ENABLE_BYTECODE_VTAB',
  '-DSQLITE_ENABLE_EXPLAIN_COMMENTS',
  '-DSQLITE_ENABLE_OFFSET_SQL_FUNC',
  '-DSQLITE_ENABLE_UNKNOWN_SQL_FUNCTION',
  '-DSQLITE_ENABLE_COLUMN_METADATA',
  '-DSQLITE_ENABLE_NORMALIZE',
  '-DSQLITE_ENABLE_STAT4',
  '-DSQLITE_ENABLE_RBU',
  '-DSQLITE_SOUNDEX',
  '-DSQLITE_OMIT_DEPRECATED',
  '-DSQLITE_OMIT_SHARED_CACHE',
  '-DSQLITE_DEFAULT_MEMSTATUS=0',
  '-DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1',
  '-DSQLITE_MAX_EXPR_DEPTH=1000',
  '-DSQLITE_STRICT_SUBTYPE=1',
  '-DSQLITE_USE_URI=0',
];

type Patch = readonly [anchor: string, replacement: string];

/**
 * sqlite3session_changeset reads within a savepoint, which SQLite refuses while a statement writes; then the
 * statement's own transaction keeps the reads together, so none is taken. `nVdbeWrite` (vdbeInt: running statements
 * that write) is the count by which SQLite refuses.
 */
const changesetsInsideStatements: readonly Patch[] = [
  [
    'rc = sqlite3_exec(pSession->db, "SAVEPOINT changeset", 0, 0, 0);',
    'rc = db->nVdbeWrite>0 ? SQLITE_OK : sqlite3_exec(pSession->db, "SAVEPOINT changeset", 0, 0, 0);',
  ],
  [
    'sqlite3_exec(db, "RELEASE changeset", 0, 0, 0);',
    'if( db->nVdbeWrite==0 ) sqlite3_exec(db, "RELEASE changeset", 0, 0, 0);',
  ],
];

/**
 * V8 replaces the code of a wasm function only when the function is called again, and one call of sqlite3VdbeExec
 * may run a whole statement: the first long one of a process would stay in baseline code to its end. So the
 * interpreter returns at the bottom of a loop after 100,000 steps, and is called again. What it keeps in locals is
 * either dead there (iCompare is read right after it is set), or counted again as after a row (cacheCtr), or keeps it
 * from returning (resetSchemaOnFault). 'now' stays the same.
 */
const longStatements: readonly Patch[] = [
  [
    '#endif\n\n  break;\n}\n\n/* Opcode:  Gosub P1 P2 * * *\n',
    '#endif\n' +
      '  if( nVmStep>=100000 && resetSchemaOnFault==0 ){\n' +
      '    p->pc = (int)(pOp - aOp) + 1;\n' +
      '    p->cacheCtr = (p->cacheCtr + 2)|1;\n' +
      '    rc = 9999;\n' +
      '    goto vdbe_return;\n' +
      '  }\n\n  break;\n}\n\n/* Opcode:  Gosub P1 P2 * * *\n',
  ],
  ['  p->iCurrentTime = 0;\n', ''],
  [
    '    rc = sqlite3VdbeExec(p);\n    db->nVdbeExec--;\n',
    '    p->iCurrentTime = 0;\n' +
      '    do{ rc = sqlite3VdbeExec(p); }while( rc==9999 );\n    db->nVdbeExec--;\n',
  ],
];

/** sqlite3.c as the core is built from it. @throws Error unless each anchor is there exactly once */
export function patchedLibrary(source: string): string {
  return patched('sqlite3.c', source, [...changesetsInsideStatements, ...longStatements]);
}

/**
 * shell.c as the core is built from it: with a release of its own, which it prints next to the engine's.
 *
 * @param header the sqlite3.h that shell.c was released with
 * @throws Error unless each anchor is there exactly once
 */
export function patchedShell(source: string, header: string): string {
  const [, release] = /^#define SQLITE_VERSION +"([\d.]+)"$/m.exec(header) ?? [];
  if (release === undefined) throw new Error('the sqlite3.h beside shell.c has no SQLITE_VERSION');
  return patched('shell.c', source, [
    ['"%s %s (%d-bit)\\n"', `"%s %s (%d-bit, shell of ${release})\\n"`],
    ['"SQLite version %s %.19s\\n"', `"SQLite version %s %.19s (shell of ${release})\\n"`],
    // .backup, .save and .restore say why they cannot open a database, as .open and .clone do.
    [
      String.raw`"Error: cannot open \"%s\"\n", zDestFile);`,
      String.raw`"Error: cannot open \"%s\": %s\n", zDestFile, sqlite3_errmsg(pDest));`,
    ],
    [
      String.raw`"Error: cannot open \"%s\"\n", zSrcFile);`,
      String.raw`"Error: cannot open \"%s\": %s\n", zSrcFile, sqlite3_errmsg(pSrc));`,
    ],
    ['"SQLite %s %s\\n"', `"SQLite %s %s\\nshell of ${release}\\n"`],
  ]);
}

function patched(name: string, source: string, changes: readonly Patch[]): string {
  return changes.reduce((text, [anchor, replacement]) => {
    const pieces = text.split(anchor);
    if (pieces.length !== 2) {
      throw new Error(`the patch of ${name} wants this once, found ${pieces.length - 1}: ${anchor}`);
    }
    return pieces.join(replacement);
  }, source);
}
