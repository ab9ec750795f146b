/* Functions that the workloads in C share. */
#include "sqlite3.h"

/* The connection, its file in the group of files, and the rows of a workload. */
extern sqlite3 *db;
extern char file[4096];
extern int rows;
/* The sum of the values read, which is the proof of workloads that read. */
extern double sum;

void check(int rc);
void exec(const char *zSql);
sqlite3_stmt *prepare(const char *zSql);
double number(const char *zSql);
double content(void);
double hashed(unsigned h, const unsigned char *a, int n);
#define HASH 2166136261u

/* Call begin(), run the work, and pass the time from end() and a proof to report(). */
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
