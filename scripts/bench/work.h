/* What the works in C have in common. */
#include "sqlite3.h"

/* The connection, its file in the group of files, and how many rows a work has. */
extern sqlite3 *db;
extern char file[4096];
extern int rows;
/* Keeps what was read in use; each work that reads takes it as its proof. */
extern double sum;

void check(int rc);
void exec(const char *zSql);
sqlite3_stmt *prepare(const char *zSql);
double number(const char *zSql);
double content(void);
double hashed(unsigned h, const unsigned char *a, int n);
#define HASH 2166136261u

/* begin(), work, end(): prints the ms, and then the proof that all programs did the same. */
void begin(void);
double end(void);
void report(const char *zName, double value, double proof);

void openAt(const char *zPath, const char *zMode);
void closeAll(void);
void insertSome(int from, int count, int each);
void update(void);

void sessions(void);
void codec(void);
void stream(void);
void scale(void);
