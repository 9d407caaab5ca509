// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void ledger_path(char* out, size_t size, const char* beside) {
  const char* set = getenv("BERTH_FAKE_NVML_LEDGER");
  if (set != NULL && *set != '\0') {
    snprintf(out, size, "%s", set);
    return;
  }
  const char* slash = strrchr(beside, '/');
  const int folder = slash == NULL ? 0 : (int)(slash - beside) + 1;
  snprintf(out, size, "%.*sledger", folder, beside);
}

Ledger* ledger_open(const char* path, int create) {
  const int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
  if (fd < 0) return NULL;
  struct stat status;
  if (fstat(fd, &status) != 0 || (status.st_size != (off_t)sizeof(Ledger) &&
                                  (!create || ftruncate(fd, (off_t)sizeof(Ledger)) != 0))) {
    close(fd);
    errno = EINVAL;
    return NULL;
  }
  void* map = mmap(NULL, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return NULL;
  Ledger* ledger = map;
  if (!create && LEDGER_GET(ledger->magic) != LEDGER_MAGIC) {
    munmap(map, sizeof(Ledger));
    errno = EINVAL;
    return NULL;
  }
  return ledger;
}

int ledger_lock(const char* path) {
  char name[4096];
  snprintf(name, sizeof name, "%s.lock", path);
  const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return -1;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  while (fcntl(fd, F_OFD_SETLKW, &lock) != 0) {
    if (errno == EINTR) continue;
    close(fd);
    return -1;
  }
  return fd;
}

uint64_t ledger_start_time(uint64_t pid) {
  char path[64];
  char text[1024];
  snprintf(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return 0;
  text[got] = '\0';
  char* at = strrchr(text, ')');
  if (at == NULL || at[1] == '\0') return 0;
  if (at[2] == 'Z' || at[2] == 'X') return 0;
  for (int field = 2; field < 22 && at != NULL; ++field) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* Of each slot: the process that was last found alive, by a descriptor that tells when it has
   ended, at the cost of one call. `busy` is taken while they change; who finds it taken asks /proc.
 */
static struct {
  uint64_t pid, start_time;
  int fd;
} seen[LEDGER_PROCESSES];
static char busy;

__attribute__((destructor)) static void forget_seen(void) {
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    if (seen[slot].pid != 0) close(seen[slot].fd);
  }
}

static int has_ended(int fd) {
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  return poll(&ended, 1, 0) != 0;
}

static int is_alive(unsigned slot, uint64_t pid, uint64_t start_time) {
  if (seen[slot].pid == pid && seen[slot].start_time == start_time)
    return !has_ended(seen[slot].fd);
  if (seen[slot].pid != 0) close(seen[slot].fd);
  seen[slot].pid = 0;
  /* Opened before the start time is looked at: it is then of that process. */
  const int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
  const int alive = ledger_start_time(pid) == start_time;
  if (fd >= 0 && alive) {
    seen[slot].pid = pid;
    seen[slot].start_time = start_time;
    seen[slot].fd = fd;
  } else if (fd >= 0) {
    close(fd);
  }
  return alive;
}

int ledger_alive(const Ledger* ledger, unsigned slot) {
  const LedgerProcess* entry = &ledger->processes[slot];
  const uint64_t pid = LEDGER_GET(entry->pid);
  if (pid == 0) return 0;
  const uint64_t start_time = LEDGER_GET(entry->start_time);
  if (start_time == 0) return 1;
  if (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE)) return ledger_start_time(pid) == start_time;
  const int alive = is_alive(slot, pid, start_time);
  __atomic_clear(&busy, __ATOMIC_RELEASE);
  return alive;
}

int ledger_is_on(const LedgerProcess* process, uint64_t target) {
  if (LEDGER_GET(process->gpu) != target % LEDGER_GPUS) return 0;
  return target < LEDGER_GPUS || LEDGER_GET(process->instance) == target / LEDGER_GPUS;
}

uint64_t ledger_used(const Ledger* ledger, uint64_t gpu) {
  uint64_t used = 0;
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess* entry = &ledger->processes[slot];
    if (LEDGER_GET(entry->pid) == 0 || !ledger_is_on(entry, gpu)) continue;
    if (ledger_alive(ledger, slot)) used += LEDGER_GET(entry->bytes);
  }
  return used;
}

int ledger_free_slot(const Ledger* ledger) {
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess* entry = &ledger->processes[slot];
    const uint64_t pid = LEDGER_GET(entry->pid);
    if (pid == 0) return (int)slot;
    if (LEDGER_GET(entry->start_time) != 0 && ledger_start_time(pid) == 0) return (int)slot;
  }
  return -1;
}

void ledger_file_state(const char* file, uint64_t* size, uint64_t* time_ns) {
  struct stat status;
  *size = *time_ns = 0;
  if (stat(file, &status) != 0) return;
  *size = (uint64_t)status.st_size;
  *time_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000U + (uint64_t)status.st_mtim.tv_nsec;
}

void ledger_spring(Ledger* ledger, uint64_t gpu) {
  for (unsigned i = 0; i < LEDGER_TRAPS; ++i) {
    LedgerTrap* trap = &ledger->traps[i];
    if (!LEDGER_GET(trap->active) || LEDGER_GET(trap->gpu) != gpu) continue;
    uint64_t size = 0, time_ns = 0;
    ledger_file_state(trap->file, &size, &time_ns);
    if (size == LEDGER_GET(trap->file_size) && time_ns == LEDGER_GET(trap->file_time_ns)) continue;
    LEDGER_PUT(ledger->processes[LEDGER_GET(trap->slot)].bytes, LEDGER_GET(trap->bytes));
    LEDGER_PUT(trap->active, 0U);
  }
}
