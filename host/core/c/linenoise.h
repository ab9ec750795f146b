/*
** The seven functions that the sqlite3 shell calls to edit lines (-DHAVE_LINENOISE=1). terminal.c passes the calls to
** the host, which edits whole statements.
*/
#ifndef LINENOISE_H
#define LINENOISE_H
typedef struct linenoiseCompletions linenoiseCompletions;
typedef void linenoiseCompletionCallback(const char*, linenoiseCompletions*);

char *linenoise(const char *zPrompt);
int linenoiseHistoryAdd(const char *zLine);
int linenoiseHistoryLoad(const char *zFile);
int linenoiseHistorySave(const char *zFile);
int linenoiseHistorySetMaxLen(int n);
void linenoiseSetCompletionCallback(linenoiseCompletionCallback*);
void linenoiseAddCompletion(linenoiseCompletions*, const char *zLine);
#endif
