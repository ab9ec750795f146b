/*
** What shell.c calls and WASI's headers do not declare; forced into its compilation. See terminal.c.
*/
#ifndef PROCESSES_H
#define PROCESSES_H
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
int system(const char *zCommand);
FILE *popen(const char *zCommand, const char *zMode);
int pclose(FILE *f);

/* Of ioctl the shell needs this alone. */
#define TIOCGWINSZ 0x5413
struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; };
int terminal_size(int fd, int request, struct winsize *pSize);
#define ioctl terminal_size

/* What wasi-libc has for this counts time that passes, not time that is computed in. */
int process_times(int who, struct rusage *pUsage);
#define getrusage process_times
#endif
