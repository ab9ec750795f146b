/*
** Functions that the sqlite3 shell needs and WASI lacks: line editing, processes, and a main function that the host can
** call.
*/
#include "host.h"
#include "linenoise.h"
#include "processes.h"
#include "pwd.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The shell's working directory, which the host does not know. */
static const char *directory(void){
  static char z[4096];
  return getcwd(z, sizeof(z)) ? z : "/";
}

/* ---- Lines ------------------------------------------------------------------------------------------ */

static linenoiseCompletionCallback *xComplete;

char *linenoise(const char *zPrompt){
  char *zLine = host_readline(zPrompt, directory());
  interrupts_over();
  return zLine;
}
int linenoiseHistoryAdd(const char *zLine){ return host_history_add(zLine); }
int linenoiseHistoryLoad(const char *zFile){ return host_history_load(zFile); }
int linenoiseHistorySave(const char *zFile){ return host_history_save(zFile); }
int linenoiseHistorySetMaxLen(int n){ return host_history_stifle(n); }
void linenoiseSetCompletionCallback(linenoiseCompletionCallback *x){ xComplete = x; }
void linenoiseAddCompletion(linenoiseCompletions *p, const char *zLine){
  (void)p;
  host_add_completion(zLine);
}
void bridge_complete(const char *zLine){
  if( xComplete ) xComplete(zLine, 0);
}

/* ---- The size of the terminal, and processor time -------------------------------- */

int terminal_size(int fd, int request, struct winsize *pSize){
  int nColumn = request==TIOCGWINSZ ? host_columns() : -1;
  (void)fd;
  if( nColumn<0 ){
    errno = ENOTTY;
    return -1;
  }
  memset(pSize, 0, sizeof(*pSize));
  pSize->ws_col = nColumn<32767 ? nColumn : 32767;
  return 0;
}

int process_times(int who, struct rusage *pUsage){
  double user, system;
  (void)who;
  host_cpu_usage(&user, &system);
  memset(pUsage, 0, sizeof(*pUsage));
  pUsage->ru_utime.tv_sec = (time_t)(user/1e6);
  pUsage->ru_utime.tv_usec = (suseconds_t)(user - 1e6*pUsage->ru_utime.tv_sec);
  pUsage->ru_stime.tv_sec = (time_t)(system/1e6);
  pUsage->ru_stime.tv_usec = (suseconds_t)(system - 1e6*pUsage->ru_stime.tv_sec);
  return 0;
}

/* ---- Processes. A pipe is a file: popen runs a command that writes it, pclose a command that reads it ---------- */

typedef struct Pipe {
  FILE *f;
  char zFile[64];
  char *zCommand;  /* the command that pclose runs; 0: popen ran it */
  int status;
  struct Pipe *pNext;
} Pipe;
static Pipe *pipes;

static int command(const char *zCommand, const char *zInput, const char *zOutput){
  return host_system(zCommand, directory(), zInput, zOutput);
}

int system(const char *zCommand){
  fflush(0);
  return command(zCommand, 0, 0);
}

FILE *popen(const char *zCommand, const char *zMode){
  static const char hex[] = "0123456789abcdef";
  const char *zTmp = getenv("TMPDIR");
  unsigned char aRandom[8];
  char zName[17];
  Pipe *p = calloc(1, sizeof(*p));
  if( !p ) return 0;
  sqlite3_randomness(sizeof(aRandom), aRandom);
  for(int i=0; i<8; i++){
    zName[2*i] = hex[aRandom[i]>>4];
    zName[2*i+1] = hex[aRandom[i]&15];
  }
  zName[16] = 0;
  if( !zTmp || strlen(zTmp)>30 ) zTmp = "/tmp";
  snprintf(p->zFile, sizeof(p->zFile), "%s/sqlite-%s", zTmp, zName);
  fflush(0);
  if( zMode[0]=='r' ){
    p->status = command(zCommand, 0, p->zFile);
    p->f = fopen(p->zFile, "rb");
  }else{
    p->zCommand = strdup(zCommand);
    p->f = p->zCommand ? fopen(p->zFile, "wbx") : 0;
  }
  if( !p->f ){
    unlink(p->zFile);
    free(p->zCommand);
    free(p);
    return 0;
  }
  p->pNext = pipes;
  pipes = p;
  return p->f;
}

int pclose(FILE *f){
  Pipe **pp = &pipes;
  while( *pp && (*pp)->f!=f ) pp = &(*pp)->pNext;
  if( !*pp ){
    errno = ECHILD;
    return -1;
  }
  Pipe *p = *pp;
  *pp = p->pNext;
  fclose(f);
  if( p->zCommand ) p->status = command(p->zCommand, p->zFile, 0);
  int status = p->status;
  unlink(p->zFile);
  free(p->zCommand);
  free(p);
  return status;
}

struct passwd *getpwuid(uid_t uid){ (void)uid; return 0; }
uid_t getuid(void){ return 0; }

/* ---- main ------------------------------------------------------------------------------------------- */

int shell_main(int argc, char **argv);

static int shellRuns;

const char *shell_path(const char *zName, char *zOut, int nOut){
  if( !shellRuns || zName[0]=='/' || zName[0]==0 || !getcwd(zOut, nOut) ) return zName;
  size_t n = strlen(zOut);
  if( n+1+strlen(zName)+1>(size_t)nOut ) return zName;
  zOut[n] = '/';
  strcpy(&zOut[n+1], zName);
  return zOut;
}

void bridge_shell(int argc, char **argv, const char *zDirectory){
  shellRuns = 1;
  buffers_start();
  if( chdir(zDirectory) ){
    fprintf(stderr, "cannot enter directory %s\n", zDirectory);
    exit(1);
  }
  exit(shell_main(argc, argv));
}
