// SPDX-License-Identifier: Apache-2.0
// libberth-kill-point.so, preloaded into berthd: counts its calls that change something outside of
// the process (files, directories, processes, signals, what is sent) and, just before the call of
// number BERTH_KILL_POINT, kills it. Kills before each in turn meet every state that a kill can
// leave behind. At a regular end the count is written to the file BERTH_KILL_POINT_COUNT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long count;
static long point = -1;  // -1: not a daemon
static pid_t self;

// The sampler is the same program and starts no tasks.
static int is_daemon(void) {
  if (strcmp(program_invocation_short_name, "berthd") != 0) return 0;
  char line[4096];
  const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? 0 : read(fd, line, sizeof line);
  if (fd >= 0) close(fd);
  return size > 0 && memmem(line, (size_t)size, "--run-sampler", 13) == NULL;
}

__attribute__((constructor)) static void begin(void) {
  if (!is_daemon()) return;
  const char* text = getenv("BERTH_KILL_POINT");
  self = getpid();
  point = text != NULL ? atol(text) : 0;
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("BERTH_KILL_POINT_COUNT");
  if (point < 0 || path == NULL) return;
  point = -1;
  FILE* file = fopen(path, "we");
  if (file == NULL) return;
  fprintf(file, "%ld\n", atomic_load(&count));
  fclose(file);
}

// The child of a spawn shares our memory until it runs its program: it does not count.
static void pass(void) {
  if (point < 0 || getpid() != self) return;
  if (atomic_fetch_add(&count, 1) + 1 == point) syscall(SYS_kill, self, SIGKILL);
}

static void pass_fd(int fd) {
  struct stat info;
  if (point >= 0 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISSOCK(info.st_mode)))
    pass();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define COUNTED(result, name, parameters, arguments) \
  result name parameters {                           \
    static __typeof__(&name) real;                   \
    if (real == NULL) real = REAL(name);             \
    pass();                                          \
    return real arguments;                           \
  }
#define COUNTED_FD(result, name, parameters, arguments) \
  result name parameters {                              \
    static __typeof__(&name) real;                      \
    if (real == NULL) real = REAL(name);                \
    pass_fd(fd);                                        \
    return real arguments;                              \
  }

COUNTED_FD(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
COUNTED_FD(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
COUNTED_FD(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at),
           (fd, data, size, at))
COUNTED_FD(ssize_t, writev, (int fd, const struct iovec* parts, int number), (fd, parts, number))
COUNTED_FD(ssize_t, sendmsg, (int fd, const struct msghdr* message, int flags),
           (fd, message, flags))
COUNTED_FD(ssize_t, send, (int fd, const void* data, size_t size, int flags),
           (fd, data, size, flags))
COUNTED_FD(int, fsync, (int fd), (fd))
COUNTED_FD(int, fdatasync, (int fd), (fd))
COUNTED_FD(int, ftruncate, (int fd, off_t size), (fd, size))
COUNTED_FD(int, ftruncate64, (int fd, off64_t size), (fd, size))
COUNTED(int, rename, (const char* from, const char* to), (from, to))
COUNTED(int, link, (const char* from, const char* to), (from, to))
COUNTED(int, symlink, (const char* to, const char* path), (to, path))
COUNTED(int, unlink, (const char* path), (path))
COUNTED(int, unlinkat, (int at, const char* path, int flags), (at, path, flags))
COUNTED(int, remove, (const char* path), (path))
COUNTED(int, mkdir, (const char* path, mode_t mode), (path, mode))
COUNTED(int, rmdir, (const char* path), (path))
COUNTED(int, kill, (pid_t pid, int number), (pid, number))
COUNTED(int, posix_spawn,
        (pid_t * pid, const char* path, const posix_spawn_file_actions_t* actions,
         const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]),
        (pid, path, actions, attributes, argv, envp))

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (real == NULL) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_pidfd_send_signal) pass();
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
