// Made by npm run build:tables. Do not edit.

import type { WasmMemory } from './web-assembly.js';

/**
 * The seam: every function that the core exports, by its C name. Pointers and 32-bit integers are numbers
 * (a returned pointer is signed: `>>> 0` makes it an address), 64-bit integers are bigints.
 *
 * Nothing above `core/` calls these with pointers of its own making; see the C documentation at
 * https://www.sqlite.org/c3ref/funclist.html and https://www.sqlite.org/session/funclist.html, and
 * `c/host.h` for the functions named `bridge_`.
 */
export interface Bindings {
  readonly memory: WasmMemory;
  /** Runs the constructors of libc; called once. */
  _initialize(): void;

  /** `int sqlite3_backup_finish(sqlite3_backup *p)` */
  sqlite3_backup_finish(p: number): number;

  /** `sqlite3_backup *sqlite3_backup_init(sqlite3 *pDest, const char *zDestName, sqlite3 *pSource, const char *zSourceName)` */
  sqlite3_backup_init(pDest: number, zDestName: number, pSource: number, zSourceName: number): number;

  /** `int sqlite3_backup_pagecount(sqlite3_backup *p)` */
  sqlite3_backup_pagecount(p: number): number;

  /** `int sqlite3_backup_remaining(sqlite3_backup *p)` */
  sqlite3_backup_remaining(p: number): number;

  /** `int sqlite3_bind_double(sqlite3_stmt*, int, double)` */
  sqlite3_bind_double(stmt: number, i: number, x: number): number;

  /** `int sqlite3_bind_int64(sqlite3_stmt*, int, sqlite3_int64)` */
  sqlite3_bind_int64(stmt: number, i: number, i64: bigint): number;

  /** `int sqlite3_bind_null(sqlite3_stmt*, int)` */
  sqlite3_bind_null(stmt: number, i: number): number;

  /** `int sqlite3_bind_parameter_count(sqlite3_stmt*)` */
  sqlite3_bind_parameter_count(stmt: number): number;

  /** `int sqlite3_bind_parameter_index(sqlite3_stmt*, const char *zName)` */
  sqlite3_bind_parameter_index(stmt: number, zName: number): number;

  /** `const char *sqlite3_bind_parameter_name(sqlite3_stmt*, int)` */
  sqlite3_bind_parameter_name(stmt: number, i: number): number;

  /** `int sqlite3_bind_zeroblob(sqlite3_stmt*, int, int n)` */
  sqlite3_bind_zeroblob(stmt: number, i: number, n: number): number;

  /** `int sqlite3_blob_bytes(sqlite3_blob *)` */
  sqlite3_blob_bytes(p: number): number;

  /** `int sqlite3_blob_close(sqlite3_blob *)` */
  sqlite3_blob_close(p: number): number;

  /** `int sqlite3_blob_open(sqlite3*, const char *zDb, const char *zTable, const char *zColumn, sqlite3_int64 iRow, int flags, sqlite3_blob **ppBlob)` */
  sqlite3_blob_open(
    db: number,
    zDb: number,
    zTable: number,
    zColumn: number,
    iRow: bigint,
    flags: number,
    ppBlob: number,
  ): number;

  /** `int sqlite3_blob_read(sqlite3_blob *, void *Z, int N, int iOffset)` */
  sqlite3_blob_read(p: number, Z: number, N: number, iOffset: number): number;

  /** `int sqlite3_blob_reopen(sqlite3_blob *, sqlite3_int64)` */
  sqlite3_blob_reopen(p: number, i64: bigint): number;

  /** `int sqlite3_blob_write(sqlite3_blob *, const void *z, int n, int iOffset)` */
  sqlite3_blob_write(p: number, z: number, n: number, iOffset: number): number;

  /** `int sqlite3_busy_timeout(sqlite3*, int ms)` */
  sqlite3_busy_timeout(db: number, ms: number): number;

  /** `sqlite3_int64 sqlite3_changes64(sqlite3*)` */
  sqlite3_changes64(db: number): bigint;

  /** `int sqlite3_clear_bindings(sqlite3_stmt*)` */
  sqlite3_clear_bindings(stmt: number): number;

  /** `int sqlite3_close_v2(sqlite3*)` */
  sqlite3_close_v2(db: number): number;

  /** `int sqlite3_column_count(sqlite3_stmt *pStmt)` */
  sqlite3_column_count(pStmt: number): number;

  /** `const char *sqlite3_column_database_name(sqlite3_stmt*, int)` */
  sqlite3_column_database_name(stmt: number, i: number): number;

  /** `const char *sqlite3_column_decltype(sqlite3_stmt*, int)` */
  sqlite3_column_decltype(stmt: number, i: number): number;

  /** `const char *sqlite3_column_name(sqlite3_stmt*, int N)` */
  sqlite3_column_name(stmt: number, N: number): number;

  /** `const char *sqlite3_column_origin_name(sqlite3_stmt*, int)` */
  sqlite3_column_origin_name(stmt: number, i: number): number;

  /** `const char *sqlite3_column_table_name(sqlite3_stmt*, int)` */
  sqlite3_column_table_name(stmt: number, i: number): number;

  /** `int sqlite3_complete(const char *sql)` */
  sqlite3_complete(sql: number): number;

  /** `sqlite3 *sqlite3_context_db_handle(sqlite3_context*)` */
  sqlite3_context_db_handle(ctx: number): number;

  /** `sqlite3_filename sqlite3_db_filename(sqlite3 *db, const char *zDbName)` */
  sqlite3_db_filename(db: number, zDbName: number): number;

  /** `sqlite3 *sqlite3_db_handle(sqlite3_stmt*)` */
  sqlite3_db_handle(stmt: number): number;

  /** `const char *sqlite3_db_name(sqlite3 *db, int N)` */
  sqlite3_db_name(db: number, N: number): number;

  /** `int sqlite3_db_readonly(sqlite3 *db, const char *zDbName)` */
  sqlite3_db_readonly(db: number, zDbName: number): number;

  /** `int sqlite3_declare_vtab(sqlite3*, const char *zSQL)` */
  sqlite3_declare_vtab(db: number, zSQL: number): number;

  /** `int sqlite3_deserialize(sqlite3 *db, const char *zSchema, unsigned char *pData, sqlite3_int64 szDb, sqlite3_int64 szBuf, unsigned mFlags)` */
  sqlite3_deserialize(
    db: number,
    zSchema: number,
    pData: number,
    szDb: bigint,
    szBuf: bigint,
    mFlags: number,
  ): number;

  /** `int sqlite3_enable_load_extension(sqlite3 *db, int onoff)` */
  sqlite3_enable_load_extension(db: number, onoff: number): number;

  /** `int sqlite3_errcode(sqlite3 *db)` */
  sqlite3_errcode(db: number): number;

  /** `const char *sqlite3_errmsg(sqlite3*)` */
  sqlite3_errmsg(db: number): number;

  /** `int sqlite3_error_offset(sqlite3 *db)` */
  sqlite3_error_offset(db: number): number;

  /** `const char *sqlite3_errstr(int)` */
  sqlite3_errstr(i: number): number;

  /** `int sqlite3_exec(sqlite3*, const char *sql, int (*callback)(...), void *, char **errmsg)` */
  sqlite3_exec(db: number, sql: number, callback: number, p: number, errmsg: number): number;

  /** `char *sqlite3_expanded_sql(sqlite3_stmt *pStmt)` */
  sqlite3_expanded_sql(pStmt: number): number;

  /** `int sqlite3_extended_errcode(sqlite3 *db)` */
  sqlite3_extended_errcode(db: number): number;

  /** `int sqlite3_extended_result_codes(sqlite3*, int onoff)` */
  sqlite3_extended_result_codes(db: number, onoff: number): number;

  /** `int sqlite3_finalize(sqlite3_stmt *pStmt)` */
  sqlite3_finalize(pStmt: number): number;

  /** `void sqlite3_free(void*)` */
  sqlite3_free(p: number): void;

  /** `int sqlite3_get_autocommit(sqlite3*)` */
  sqlite3_get_autocommit(db: number): number;

  /** `int sqlite3_initialize()` */
  sqlite3_initialize(): number;

  /** `void sqlite3_interrupt(sqlite3*)` */
  sqlite3_interrupt(db: number): void;

  /** `sqlite3_int64 sqlite3_last_insert_rowid(sqlite3*)` */
  sqlite3_last_insert_rowid(db: number): bigint;

  /** `const char *sqlite3_libversion()` */
  sqlite3_libversion(): number;

  /** `int sqlite3_libversion_number()` */
  sqlite3_libversion_number(): number;

  /** `int sqlite3_limit(sqlite3*, int id, int newVal)` */
  sqlite3_limit(db: number, id: number, newVal: number): number;

  /** `int sqlite3_load_extension(sqlite3 *db, const char *zFile, const char *zProc, char **pzErrMsg)` */
  sqlite3_load_extension(db: number, zFile: number, zProc: number, pzErrMsg: number): number;

  /** `void *sqlite3_malloc64(sqlite3_uint64)` */
  sqlite3_malloc64(u64: bigint): number;

  /** `sqlite3_uint64 sqlite3_msize(void*)` */
  sqlite3_msize(p: number): bigint;

  /** `sqlite3_stmt *sqlite3_next_stmt(sqlite3 *pDb, sqlite3_stmt *pStmt)` */
  sqlite3_next_stmt(pDb: number, pStmt: number): number;

  /** `int sqlite3_prepare_v3(sqlite3 *db, const char *zSql, int nByte, unsigned int prepFlags, sqlite3_stmt **ppStmt, const char **pzTail)` */
  sqlite3_prepare_v3(
    db: number,
    zSql: number,
    nByte: number,
    prepFlags: number,
    ppStmt: number,
    pzTail: number,
  ): number;

  /** `void *sqlite3_realloc64(void*, sqlite3_uint64)` */
  sqlite3_realloc64(p: number, u64: bigint): number;

  /** `int sqlite3_reset(sqlite3_stmt *pStmt)` */
  sqlite3_reset(pStmt: number): number;

  /** `void sqlite3_result_double(sqlite3_context*, double)` */
  sqlite3_result_double(ctx: number, x: number): void;

  /** `void sqlite3_result_error(sqlite3_context*, const char*, int)` */
  sqlite3_result_error(ctx: number, p: number, i: number): void;

  /** `void sqlite3_result_error_code(sqlite3_context*, int)` */
  sqlite3_result_error_code(ctx: number, i: number): void;

  /** `void sqlite3_result_error_nomem(sqlite3_context*)` */
  sqlite3_result_error_nomem(ctx: number): void;

  /** `void sqlite3_result_error_toobig(sqlite3_context*)` */
  sqlite3_result_error_toobig(ctx: number): void;

  /** `void sqlite3_result_int64(sqlite3_context*, sqlite3_int64)` */
  sqlite3_result_int64(ctx: number, i64: bigint): void;

  /** `void sqlite3_result_null(sqlite3_context*)` */
  sqlite3_result_null(ctx: number): void;

  /** `int sqlite3_result_zeroblob64(sqlite3_context*, sqlite3_uint64 n)` */
  sqlite3_result_zeroblob64(ctx: number, n: bigint): number;

  /** `unsigned char *sqlite3_serialize(sqlite3 *db, const char *zSchema, sqlite3_int64 *piSize, unsigned int mFlags)` */
  sqlite3_serialize(db: number, zSchema: number, piSize: number, mFlags: number): number;

  /** `const char *sqlite3_sourceid()` */
  sqlite3_sourceid(): number;

  /** `const char *sqlite3_sql(sqlite3_stmt *pStmt)` */
  sqlite3_sql(pStmt: number): number;

  /** `int sqlite3_step(sqlite3_stmt*)` */
  sqlite3_step(stmt: number): number;

  /** `int sqlite3_stmt_busy(sqlite3_stmt*)` */
  sqlite3_stmt_busy(stmt: number): number;

  /** `int sqlite3_stmt_isexplain(sqlite3_stmt *pStmt)` */
  sqlite3_stmt_isexplain(pStmt: number): number;

  /** `int sqlite3_stmt_readonly(sqlite3_stmt *pStmt)` */
  sqlite3_stmt_readonly(pStmt: number): number;

  /** `int sqlite3_stmt_status(sqlite3_stmt*, int op, int resetFlg)` */
  sqlite3_stmt_status(stmt: number, op: number, resetFlg: number): number;

  /** `int sqlite3_strglob(const char *zGlob, const char *zStr)` */
  sqlite3_strglob(zGlob: number, zStr: number): number;

  /** `int sqlite3_table_column_metadata(sqlite3 *db, const char *zDbName, const char *zTableName, const char *zColumnName, char const **pzDataType, char const **pzCollSeq, int *pNotNull, int *pPrimaryKey, int *pAutoinc)` */
  sqlite3_table_column_metadata(
    db: number,
    zDbName: number,
    zTableName: number,
    zColumnName: number,
    pzDataType: number,
    pzCollSeq: number,
    pNotNull: number,
    pPrimaryKey: number,
    pAutoinc: number,
  ): number;

  /** `sqlite3_int64 sqlite3_total_changes64(sqlite3*)` */
  sqlite3_total_changes64(db: number): bigint;

  /** `int sqlite3_txn_state(sqlite3*, const char *zSchema)` */
  sqlite3_txn_state(db: number, zSchema: number): number;

  /** `const void *sqlite3_value_blob(sqlite3_value*)` */
  sqlite3_value_blob(value: number): number;

  /** `int sqlite3_value_bytes(sqlite3_value*)` */
  sqlite3_value_bytes(value: number): number;

  /** `double sqlite3_value_double(sqlite3_value*)` */
  sqlite3_value_double(value: number): number;

  /** `sqlite3_int64 sqlite3_value_int64(sqlite3_value*)` */
  sqlite3_value_int64(value: number): bigint;

  /** `int sqlite3_value_nochange(sqlite3_value*)` */
  sqlite3_value_nochange(value: number): number;

  /** `int sqlite3_value_numeric_type(sqlite3_value*)` */
  sqlite3_value_numeric_type(value: number): number;

  /** `const unsigned char *sqlite3_value_text(sqlite3_value*)` */
  sqlite3_value_text(value: number): number;

  /** `int sqlite3_value_type(sqlite3_value*)` */
  sqlite3_value_type(value: number): number;

  /** `const char *sqlite3_vtab_collation(sqlite3_index_info*, int)` */
  sqlite3_vtab_collation(p: number, i: number): number;

  /** `int sqlite3_vtab_distinct(sqlite3_index_info*)` */
  sqlite3_vtab_distinct(p: number): number;

  /** `int sqlite3_vtab_in(sqlite3_index_info*, int iCons, int bHandle)` */
  sqlite3_vtab_in(p: number, iCons: number, bHandle: number): number;

  /** `int sqlite3_vtab_in_first(sqlite3_value *pVal, sqlite3_value **ppOut)` */
  sqlite3_vtab_in_first(pVal: number, ppOut: number): number;

  /** `int sqlite3_vtab_in_next(sqlite3_value *pVal, sqlite3_value **ppOut)` */
  sqlite3_vtab_in_next(pVal: number, ppOut: number): number;

  /** `int sqlite3_vtab_on_conflict(sqlite3 *)` */
  sqlite3_vtab_on_conflict(db: number): number;

  /** `int sqlite3_vtab_rhs_value(sqlite3_index_info*, int, sqlite3_value **ppVal)` */
  sqlite3_vtab_rhs_value(p: number, i: number, ppVal: number): number;

  /** `int sqlite3changegroup_add(sqlite3_changegroup*, int nData, void *pData)` */
  sqlite3changegroup_add(group: number, nData: number, pData: number): number;

  /** `int sqlite3changegroup_add_change(sqlite3_changegroup*, sqlite3_changeset_iter*)` */
  sqlite3changegroup_add_change(group: number, p: number): number;

  /** `int sqlite3changegroup_add_strm(sqlite3_changegroup*, int (*xInput)(...), void *pIn)` */
  sqlite3changegroup_add_strm(group: number, xInput: number, pIn: number): number;

  /** `int sqlite3changegroup_change_begin(sqlite3_changegroup*, int eOp, const char *zTab, int bIndirect, char **pzErr)` */
  sqlite3changegroup_change_begin(
    group: number,
    eOp: number,
    zTab: number,
    bIndirect: number,
    pzErr: number,
  ): number;

  /** `int sqlite3changegroup_change_blob(sqlite3_changegroup*, int, int, const void *pVal, int nVal)` */
  sqlite3changegroup_change_blob(group: number, i: number, i2: number, pVal: number, nVal: number): number;

  /** `int sqlite3changegroup_change_double(sqlite3_changegroup*, int, int, double)` */
  sqlite3changegroup_change_double(group: number, i: number, i2: number, x: number): number;

  /** `int sqlite3changegroup_change_finish(sqlite3_changegroup*, int bDiscard, char **pzErr)` */
  sqlite3changegroup_change_finish(group: number, bDiscard: number, pzErr: number): number;

  /** `int sqlite3changegroup_change_int64(sqlite3_changegroup*, int bNew, int iCol, sqlite3_int64 iVal)` */
  sqlite3changegroup_change_int64(group: number, bNew: number, iCol: number, iVal: bigint): number;

  /** `int sqlite3changegroup_change_null(sqlite3_changegroup*, int, int)` */
  sqlite3changegroup_change_null(group: number, i: number, i2: number): number;

  /** `int sqlite3changegroup_change_text(sqlite3_changegroup*, int, int, const char *pVal, int nVal)` */
  sqlite3changegroup_change_text(group: number, i: number, i2: number, pVal: number, nVal: number): number;

  /** `int sqlite3changegroup_config(sqlite3_changegroup*, int, void *pArg)` */
  sqlite3changegroup_config(group: number, i: number, pArg: number): number;

  /** `void sqlite3changegroup_delete(sqlite3_changegroup*)` */
  sqlite3changegroup_delete(group: number): void;

  /** `int sqlite3changegroup_new(sqlite3_changegroup **pp)` */
  sqlite3changegroup_new(pp: number): number;

  /** `int sqlite3changegroup_output(sqlite3_changegroup*, int *pnData, void **ppData)` */
  sqlite3changegroup_output(group: number, pnData: number, ppData: number): number;

  /** `int sqlite3changegroup_output_strm(sqlite3_changegroup*, int (*xOutput)(...), void *pOut)` */
  sqlite3changegroup_output_strm(group: number, xOutput: number, pOut: number): number;

  /** `int sqlite3changegroup_schema(sqlite3_changegroup*, sqlite3*, const char *zDb)` */
  sqlite3changegroup_schema(group: number, db: number, zDb: number): number;

  /** `int sqlite3changeset_apply(sqlite3 *db, int nChangeset, void *pChangeset, int(*xFilter)(...), int(*xConflict)(...), void *pCtx)` */
  sqlite3changeset_apply(
    db: number,
    nChangeset: number,
    pChangeset: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
  ): number;

  /** `int sqlite3changeset_apply_strm(sqlite3 *db, int (*xInput)(...), void *pIn, int(*xFilter)(...), int(*xConflict)(...), void *pCtx)` */
  sqlite3changeset_apply_strm(
    db: number,
    xInput: number,
    pIn: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
  ): number;

  /** `int sqlite3changeset_apply_v2(sqlite3 *db, int nChangeset, void *pChangeset, int(*xFilter)(...), int(*xConflict)(...), void *pCtx, void **ppRebase, int *pnRebase, int flags)` */
  sqlite3changeset_apply_v2(
    db: number,
    nChangeset: number,
    pChangeset: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
    ppRebase: number,
    pnRebase: number,
    flags: number,
  ): number;

  /** `int sqlite3changeset_apply_v2_strm(sqlite3 *db, int (*xInput)(...), void *pIn, int(*xFilter)(...), int(*xConflict)(...), void *pCtx, void **ppRebase, int *pnRebase, int flags)` */
  sqlite3changeset_apply_v2_strm(
    db: number,
    xInput: number,
    pIn: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
    ppRebase: number,
    pnRebase: number,
    flags: number,
  ): number;

  /** `int sqlite3changeset_apply_v3(sqlite3 *db, int nChangeset, void *pChangeset, int(*xFilter)(...), int(*xConflict)(...), void *pCtx, void **ppRebase, int *pnRebase, int flags)` */
  sqlite3changeset_apply_v3(
    db: number,
    nChangeset: number,
    pChangeset: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
    ppRebase: number,
    pnRebase: number,
    flags: number,
  ): number;

  /** `int sqlite3changeset_apply_v3_strm(sqlite3 *db, int (*xInput)(...), void *pIn, int(*xFilter)(...), int(*xConflict)(...), void *pCtx, void **ppRebase, int *pnRebase, int flags)` */
  sqlite3changeset_apply_v3_strm(
    db: number,
    xInput: number,
    pIn: number,
    xFilter: number,
    xConflict: number,
    pCtx: number,
    ppRebase: number,
    pnRebase: number,
    flags: number,
  ): number;

  /** `int sqlite3changeset_concat(int nA, void *pA, int nB, void *pB, int *pnOut, void **ppOut)` */
  sqlite3changeset_concat(
    nA: number,
    pA: number,
    nB: number,
    pB: number,
    pnOut: number,
    ppOut: number,
  ): number;

  /** `int sqlite3changeset_concat_strm(int (*xInputA)(...), void *pInA, int (*xInputB)(...), void *pInB, int (*xOutput)(...), void *pOut)` */
  sqlite3changeset_concat_strm(
    xInputA: number,
    pInA: number,
    xInputB: number,
    pInB: number,
    xOutput: number,
    pOut: number,
  ): number;

  /** `int sqlite3changeset_conflict(sqlite3_changeset_iter *pIter, int iVal, sqlite3_value **ppValue)` */
  sqlite3changeset_conflict(pIter: number, iVal: number, ppValue: number): number;

  /** `int sqlite3changeset_finalize(sqlite3_changeset_iter *pIter)` */
  sqlite3changeset_finalize(pIter: number): number;

  /** `int sqlite3changeset_fk_conflicts(sqlite3_changeset_iter *pIter, int *pnOut)` */
  sqlite3changeset_fk_conflicts(pIter: number, pnOut: number): number;

  /** `int sqlite3changeset_invert(int nIn, const void *pIn, int *pnOut, void **ppOut)` */
  sqlite3changeset_invert(nIn: number, pIn: number, pnOut: number, ppOut: number): number;

  /** `int sqlite3changeset_invert_strm(int (*xInput)(...), void *pIn, int (*xOutput)(...), void *pOut)` */
  sqlite3changeset_invert_strm(xInput: number, pIn: number, xOutput: number, pOut: number): number;

  /** `int sqlite3changeset_new(sqlite3_changeset_iter *pIter, int iVal, sqlite3_value **ppValue)` */
  sqlite3changeset_new(pIter: number, iVal: number, ppValue: number): number;

  /** `int sqlite3changeset_next(sqlite3_changeset_iter *pIter)` */
  sqlite3changeset_next(pIter: number): number;

  /** `int sqlite3changeset_old(sqlite3_changeset_iter *pIter, int iVal, sqlite3_value **ppValue)` */
  sqlite3changeset_old(pIter: number, iVal: number, ppValue: number): number;

  /** `int sqlite3changeset_op(sqlite3_changeset_iter *pIter, const char **pzTab, int *pnCol, int *pOp, int *pbIndirect)` */
  sqlite3changeset_op(pIter: number, pzTab: number, pnCol: number, pOp: number, pbIndirect: number): number;

  /** `int sqlite3changeset_pk(sqlite3_changeset_iter *pIter, unsigned char **pabPK, int *pnCol)` */
  sqlite3changeset_pk(pIter: number, pabPK: number, pnCol: number): number;

  /** `int sqlite3changeset_start(sqlite3_changeset_iter **pp, int nChangeset, void *pChangeset)` */
  sqlite3changeset_start(pp: number, nChangeset: number, pChangeset: number): number;

  /** `int sqlite3changeset_start_strm(sqlite3_changeset_iter **pp, int (*xInput)(...), void *pIn)` */
  sqlite3changeset_start_strm(pp: number, xInput: number, pIn: number): number;

  /** `int sqlite3changeset_start_v2(sqlite3_changeset_iter **pp, int nChangeset, void *pChangeset, int flags)` */
  sqlite3changeset_start_v2(pp: number, nChangeset: number, pChangeset: number, flags: number): number;

  /** `int sqlite3changeset_start_v2_strm(sqlite3_changeset_iter **pp, int (*xInput)(...), void *pIn, int flags)` */
  sqlite3changeset_start_v2_strm(pp: number, xInput: number, pIn: number, flags: number): number;

  /** `int sqlite3rebaser_configure(sqlite3_rebaser*, int nRebase, const void *pRebase)` */
  sqlite3rebaser_configure(rebaser: number, nRebase: number, pRebase: number): number;

  /** `int sqlite3rebaser_create(sqlite3_rebaser **ppNew)` */
  sqlite3rebaser_create(ppNew: number): number;

  /** `void sqlite3rebaser_delete(sqlite3_rebaser *p)` */
  sqlite3rebaser_delete(p: number): void;

  /** `int sqlite3rebaser_rebase(sqlite3_rebaser*, int nIn, const void *pIn, int *pnOut, void **ppOut)` */
  sqlite3rebaser_rebase(rebaser: number, nIn: number, pIn: number, pnOut: number, ppOut: number): number;

  /** `int sqlite3rebaser_rebase_strm(sqlite3_rebaser *pRebaser, int (*xInput)(...), void *pIn, int (*xOutput)(...), void *pOut)` */
  sqlite3rebaser_rebase_strm(
    pRebaser: number,
    xInput: number,
    pIn: number,
    xOutput: number,
    pOut: number,
  ): number;

  /** `int sqlite3session_attach(sqlite3_session *pSession, const char *zTab)` */
  sqlite3session_attach(pSession: number, zTab: number): number;

  /** `int sqlite3session_changeset(sqlite3_session *pSession, int *pnChangeset, void **ppChangeset)` */
  sqlite3session_changeset(pSession: number, pnChangeset: number, ppChangeset: number): number;

  /** `sqlite3_int64 sqlite3session_changeset_size(sqlite3_session *pSession)` */
  sqlite3session_changeset_size(pSession: number): bigint;

  /** `int sqlite3session_changeset_strm(sqlite3_session *pSession, int (*xOutput)(...), void *pOut)` */
  sqlite3session_changeset_strm(pSession: number, xOutput: number, pOut: number): number;

  /** `int sqlite3session_config(int op, void *pArg)` */
  sqlite3session_config(op: number, pArg: number): number;

  /** `int sqlite3session_create(sqlite3 *db, const char *zDb, sqlite3_session **ppSession)` */
  sqlite3session_create(db: number, zDb: number, ppSession: number): number;

  /** `void sqlite3session_delete(sqlite3_session *pSession)` */
  sqlite3session_delete(pSession: number): void;

  /** `int sqlite3session_diff(sqlite3_session *pSession, const char *zFromDb, const char *zTbl, char **pzErrMsg)` */
  sqlite3session_diff(pSession: number, zFromDb: number, zTbl: number, pzErrMsg: number): number;

  /** `int sqlite3session_enable(sqlite3_session *pSession, int bEnable)` */
  sqlite3session_enable(pSession: number, bEnable: number): number;

  /** `int sqlite3session_indirect(sqlite3_session *pSession, int bIndirect)` */
  sqlite3session_indirect(pSession: number, bIndirect: number): number;

  /** `int sqlite3session_isempty(sqlite3_session *pSession)` */
  sqlite3session_isempty(pSession: number): number;

  /** `sqlite3_int64 sqlite3session_memory_used(sqlite3_session *pSession)` */
  sqlite3session_memory_used(pSession: number): bigint;

  /** `int sqlite3session_object_config(sqlite3_session*, int op, void *pArg)` */
  sqlite3session_object_config(session: number, op: number, pArg: number): number;

  /** `int sqlite3session_patchset(sqlite3_session *pSession, int *pnPatchset, void **ppPatchset)` */
  sqlite3session_patchset(pSession: number, pnPatchset: number, ppPatchset: number): number;

  /** `int sqlite3session_patchset_strm(sqlite3_session *pSession, int (*xOutput)(...), void *pOut)` */
  sqlite3session_patchset_strm(pSession: number, xOutput: number, pOut: number): number;

  /** `void sqlite3session_table_filter(sqlite3_session *pSession, int(*xFilter)(...), void *pCtx)` */
  sqlite3session_table_filter(pSession: number, xFilter: number, pCtx: number): void;

  /** `int bridge_open(const char *zFile, sqlite3 **pDb, int flags, const char *zVfs)` */
  bridge_open(zFile: number, pDb: number, flags: number, zVfs: number): number;

  /** `int bridge_stack()` */
  bridge_stack(): number;

  /** `int bridge_watch_log()` */
  bridge_watch_log(): number;

  /** `int bridge_create_function(sqlite3 *db, const char *zName, int nArg, int flags, int id)` */
  bridge_create_function(db: number, zName: number, nArg: number, flags: number, id: number): number;

  /** `int bridge_hook(sqlite3 *db, int id, int kind)` */
  bridge_hook(db: number, id: number, kind: number): number;

  /** `void bridge_poison(sqlite3 *db, const char *zWhy)` */
  bridge_poison(db: number, zWhy: number): void;

  /** `int bridge_poisoned(sqlite3 *db)` */
  bridge_poisoned(db: number): number;

  /** `int bridge_create_collation(sqlite3 *db, const char *zName, int id)` */
  bridge_create_collation(db: number, zName: number, id: number): number;

  /** `int bridge_create_aggregate(sqlite3 *db, const char *zName, int nArg, int flags, int id, int window)` */
  bridge_create_aggregate(
    db: number,
    zName: number,
    nArg: number,
    flags: number,
    id: number,
    window: number,
  ): number;

  /** `int bridge_create_module(sqlite3 *db, const char *zName, int id, int options, const char *zShadow)` */
  bridge_create_module(db: number, zName: number, id: number, options: number, zShadow: number): number;

  /** `int bridge_values(int argc, sqlite3_value **argv, void *pOut)` */
  bridge_values(argc: number, argv: number, pOut: number): number;

  /** `void bridge_result_int64(sqlite3_context *ctx, unsigned low, int high)` */
  bridge_result_int64(ctx: number, low: number, high: number): void;

  /** `int bridge_watch_close(sqlite3 *db, int id)` */
  bridge_watch_close(db: number, id: number): number;

  /** `void *bridge_callback(int which)` */
  bridge_callback(which: number): number;

  /** `void bridge_forget_filter(int id)` */
  bridge_forget_filter(id: number): void;

  /** `int bridge_capture(sqlite3 *db, int id)` */
  bridge_capture(db: number, id: number): number;

  /** `int bridge_db_config(sqlite3 *db, int op, int value, int *pState)` */
  bridge_db_config(db: number, op: number, value: number, pState: number): number;

  /** `int bridge_backup_step(sqlite3_backup *p, int nPage)` */
  bridge_backup_step(p: number, nPage: number): number;

  /** `int bridge_run(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut)` */
  bridge_run(pStmt: number, pIn: number, n: number, pOut: number): number;

  /** `int bridge_row(sqlite3_stmt *pStmt, void *pOut)` */
  bridge_row(pStmt: number, pOut: number): number;

  /** `int bridge_step_row(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut, int nCompiled)` */
  bridge_step_row(pStmt: number, pIn: number, n: number, pOut: number, nCompiled: number): number;

  /** `int bridge_rows(sqlite3_stmt *pStmt, RowBatch *pBatch, int nMost, int nRoom)` */
  bridge_rows(pStmt: number, pBatch: number, nMost: number, nRoom: number): number;

  /** `int bridge_bind_text(sqlite3_stmt *pStmt, int i, const char *p, int n)` */
  bridge_bind_text(pStmt: number, i: number, p: number, n: number): number;

  /** `int bridge_bind_blob(sqlite3_stmt *pStmt, int i, const void *p, int n)` */
  bridge_bind_blob(pStmt: number, i: number, p: number, n: number): number;

  /** `void bridge_result_copy(sqlite3_context *ctx, const char *p, int n, int isText)` */
  bridge_result_copy(ctx: number, p: number, n: number, isText: number): void;

  /** `void bridge_result_text(sqlite3_context *ctx, char *p, double n)` */
  bridge_result_text(ctx: number, p: number, n: number): void;

  /** `void bridge_result_blob(sqlite3_context *ctx, void *p, double n)` */
  bridge_result_blob(ctx: number, p: number, n: number): void;

  /** `void bridge_shell(int argc, char **argv, const char *zDirectory)` */
  bridge_shell(argc: number, argv: number, zDirectory: number): void;

  /** `void bridge_interrupt()` */
  bridge_interrupt(): void;

  /** `void bridge_complete(const char *zLine)` */
  bridge_complete(zLine: number): void;
}
