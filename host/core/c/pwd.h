/* The shell asks for the home folder of the user; WASI has no users, so $HOME decides. See terminal.c. */
#ifndef PWD_H
#define PWD_H
#include <sys/types.h>
struct passwd { char *pw_dir; };
struct passwd *getpwuid(uid_t uid);
uid_t getuid(void);
#endif
