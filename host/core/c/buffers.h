/* Files with large buffers, see buffers.c. */
#ifndef BUFFERS_H
#define BUFFERS_H
#include <stdio.h>
/* Gives the standard streams large buffers. Call it before their first use. */
void buffers_start(void);
FILE *buffers_open(const char *zFile, const char *zMode);
int buffers_close(FILE *f);
#endif
