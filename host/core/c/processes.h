/*
** What shell.c calls and WASI's headers do not declare; forced into its compilation. See terminal.c.
*/
#ifndef PROCESSES_H
#define PROCESSES_H
#include <stdio.h>
int system(const char *zCommand);
FILE *popen(const char *zCommand, const char *zMode);
int pclose(FILE *f);
#endif
