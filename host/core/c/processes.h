/*
** Declares the functions that shell.c calls and WASI's headers lack. The build includes it in shell.c. See terminal.c.
*/
#ifndef PROCESSES_H
#define PROCESSES_H
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "buffers.h"
int system(const char *zCommand);
FILE *popen(const char *zCommand, const char *zMode);
int pclose(FILE *f);

/* The only ioctl request that the shell makes. */
#define TIOCGWINSZ 0x5413
struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; };
int terminal_size(int fd, int request, struct winsize *pSize);
#define ioctl terminal_size

/* wasi-libc's getrusage returns elapsed time, not processor time. */
int process_times(int who, struct rusage *pUsage);
#define getrusage process_times

/* The POSIX functions, see permissions.c. */
int permissions_stat(const char *zFile, struct stat *pStat);
int permissions_lstat(const char *zFile, struct stat *pStat);
int permissions_chmod(const char *zFile, mode_t mode);
int permissions_mkdir(const char *zFile, mode_t mode);
int permissions_symlink(const char *zTo, const char *zFile);
#define stat(zFile, pStat) permissions_stat(zFile, pStat)
#define lstat(zFile, pStat) permissions_lstat(zFile, pStat)
#define chmod(zFile, mode) permissions_chmod(zFile, mode)
#define symlink(zTo, zFile) permissions_symlink(zTo, zFile)
#define mkdir(zFile, mode) permissions_mkdir(zFile, mode)

/* File streams with large buffers, see buffers.c. */
#define fopen buffers_open
#define fclose buffers_close
#endif
