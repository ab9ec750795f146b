/** The compile options and patches of SQLite, for the core and for the native build that the tests compare it with. */

/** The features of the official builds, and options that change visible behavior. */
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
 * sqlite3session_changeset opens a savepoint, which SQLite refuses while a statement writes. The patch omits the
 * savepoint in that case, because the statement's transaction already keeps the reads consistent. `nVdbeWrite` is
 * SQLite's count of running statements that write.
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
 * V8 replaces the code of a wasm function only when the function is called again. One call of sqlite3VdbeExec may run a
 * whole statement, so the first long statement of a process would run in baseline code to its end. The patch makes the
 * interpreter return at the end of a loop after 100,000 steps, and calls it again. Its local variables allow this:
 * iCompare is not in use there, cacheCtr is incremented as after a row, and it does not return while resetSchemaOnFault
 * is set. The value of 'now' does not change.
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

/** Applies the patches to sqlite3.c. @throws Error unless each anchor is found exactly once */
export function patchedLibrary(source: string): string {
  return patched('sqlite3.c', source, [...changesetsInsideStatements, ...longStatements]);
}

/**
 * Applies the patches to shell.c, which then also prints its own release.
 *
 * @param header the sqlite3.h that shell.c was released with
 * @throws Error unless each anchor is found exactly once
 */
export function patchedShell(source: string, header: string): string {
  const [, release] = /^#define SQLITE_VERSION +"([\d.]+)"$/m.exec(header) ?? [];
  if (release === undefined) throw new Error('the sqlite3.h beside shell.c has no SQLITE_VERSION');
  return patched('shell.c', source, [
    ['"%s %s (%d-bit)\\n"', `"%s %s (%d-bit, shell of ${release})\\n"`],
    ['"SQLite version %s %.19s\\n"', `"SQLite version %s %.19s (shell of ${release})\\n"`],
    // .backup, .save and .restore report why they cannot open a database, as .open and .clone do.
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
      throw new Error(
        `the patch of ${name} expects this text once but found it ${pieces.length - 1} times: ${anchor}`,
      );
    }
    return pieces.join(replacement);
  }, source);
}
