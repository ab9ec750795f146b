/*
** File permissions and symbolic links with absolute targets, which WASI does not support. The shell's fsdir() and
** writefile() need them.
*/
#include "host.h"
#include "processes.h"
#include <errno.h>

#undef stat
#undef lstat

static const char *absolute(const char *zFile){
  static char z[4096];
  return shell_path(zFile, z, sizeof(z));
}

static int withPermissions(int rc, const char *zFile, int follow, struct stat *p){
  if( rc==0 ){
    int mode = host_permissions(absolute(zFile), follow);
    if( mode>=0 ) p->st_mode |= mode & 07777;
  }
  return rc;
}
int permissions_stat(const char *zFile, struct stat *p){
  return withPermissions(stat(zFile, p), zFile, 1, p);
}
int permissions_lstat(const char *zFile, struct stat *p){
  return withPermissions(lstat(zFile, p), zFile, 0, p);
}

static int done(int error){
  if( error==0 ) return 0;
  errno = error;
  return -1;
}
int permissions_chmod(const char *zFile, mode_t mode){ return done(host_chmod(absolute(zFile), mode)); }
int permissions_symlink(const char *zTo, const char *zFile){ return done(host_symlink(zTo, absolute(zFile))); }
int permissions_mkdir(const char *zFile, mode_t mode){ return done(host_mkdir(absolute(zFile), mode)); }
