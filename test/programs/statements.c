/*
** Runs statements on a database with the C library, as statements.ts does with this package:
**
**     statements FILE STATEMENT ...
**
** Prints an error as "CODE MESSAGE" and continues.
*/
#include "sqlite3.h"
#include <stdio.h>

int main(int argc, char **argv){
  sqlite3 *db;
  int i;
  if( argc<2 || sqlite3_open(argv[1], &db)!=SQLITE_OK ) return 2;
  for(i=2; i<argc; i++){
    if( sqlite3_exec(db, argv[i], 0, 0, 0)!=SQLITE_OK ){
      printf("%d %s\n", sqlite3_extended_errcode(db), sqlite3_errmsg(db));
    }
  }
  return sqlite3_close(db)!=SQLITE_OK;
}
