// SPDX-License-Identifier: Apache-2.0
// The simulated machine: a file of fixed layout that the fake management library, fakegpu-ctl and
// fakegpu-task map into memory. Readers take no lock and never wait: every field that changes is
// one machine word, read and written atomically. Writers hold an fcntl lock, which the kernel drops
// when they are killed. Plain C, for the library must not bring a C++ runtime into its host.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LEDGER_MAGIC 0x6265727468666b37ULL
#define LEDGER_GPUS 64
#define LEDGER_PROCESSES 1024
#define LEDGER_RULES 64
#define LEDGER_TRAPS 8
#define LEDGER_INSTANCES 7 /* of MIG, on one GPU */
/* A reading that this card does not give: NVML answers NOT_SUPPORTED. */
#define LEDGER_ABSENT UINT64_MAX
#define LEDGER_ALL_GPUS 0xffffU
#define LEDGER_FOR_EVER UINT64_MAX

/* A MIG device: its place among the GPU's is the driver's number for it. */
typedef struct {
  uint64_t present;
  char uuid[96];
  char profile[32];
  uint64_t gpu_instance, compute_instance, total, reserved;
} LedgerInstance;

/* What is named by a number up to here is a GPU or an instance: GPU + LEDGER_GPUS * (number of the
   instance + 1). */
#define LEDGER_TARGETS (LEDGER_GPUS * (LEDGER_INSTANCES + 1))

typedef struct {
  uint64_t present, lost;
  char uuid[96];
  char name[96];
  char serial[32];
  uint64_t domain, bus, device, pci_device_id, pci_subsystem_id, minor;
  uint64_t compute_major, compute_minor;
  uint64_t total, reserved, memory_supported;
  uint64_t utilization, memory_utilization; /* what is there beside the registered processes */
  uint64_t temperature, power_mw, power_limit_mw, power_max_mw;
  uint64_t clock_mhz, memory_clock_mhz, max_clock_mhz, max_memory_clock_mhz;
  uint64_t fan, persistence, ecc, ecc_errors, pstate, energy_mj, cores, mig;
  uint64_t encoder, decoder, memory_temperature, clock_reasons, pcie_generation, pcie_width;
  uint64_t xid, xid_count;                 /* the last event and how many there were */
  uint64_t numa, host_bridge, pcie_switch; /* GPUs with the same number share one */
  uint64_t nvlinks[LEDGER_GPUS];           /* to each other GPU */
  LedgerInstance instances[LEDGER_INSTANCES];
} LedgerGpu;

/* Lists that a process is on, as bits. */
enum { LEDGER_COMPUTE = 1, LEDGER_GRAPHICS = 2, LEDGER_MPS = 4 };

typedef struct {
  uint64_t pid; /* 0: free. Written last. */
  uint64_t
      start_time; /* of /proc/<pid>/stat; 0: a ghost that counts though no such process is here */
  uint64_t gpu;   /* the driver's number */
  uint64_t instance; /* of MIG: its number + 1; 0: the GPU as a whole */
  uint64_t bytes, sm, lists;
} LedgerProcess;

/* What a function does instead of answering; the newest that matches counts. */
typedef struct {
  uint64_t active;
  uint64_t gpu; /* or an instance (a GPU's rule counts for its instances), or LEDGER_ALL_GPUS */
  char function[64]; /* with * as in a shell */
  uint64_t block_ms; /* 0, a time, or LEDGER_FOR_EVER: until the rule is gone */
  uint64_t code;     /* returned when not 0 */
} LedgerRule;

/* Memory that is taken at the first reading after a file has changed: between two deeds of the
   program under test that are closer together than another process could hit. */
typedef struct {
  uint64_t active; /* written last */
  uint64_t gpu, slot, bytes;
  uint64_t file_size, file_time_ns; /* as it was */
  char file[256];
} LedgerTrap;

typedef struct {
  uint64_t magic, size;
  uint64_t count; /* GPUs are 0..count-1 in the driver's order */
  char driver_version[80];
  uint64_t cuda_version;
  uint64_t memory_unknown; /* usedGpuMemory is "not available", as on WSL */
  uint64_t nvswitch;       /* the NVLinks end at a switch, not at the other GPU */
  uint64_t calls;          /* made to the library by all processes */
  LedgerGpu gpus[LEDGER_GPUS];
  LedgerProcess processes[LEDGER_PROCESSES];
  LedgerRule rules[LEDGER_RULES];
  LedgerTrap traps[LEDGER_TRAPS];
} Ledger;

#define LEDGER_GET(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define LEDGER_PUT(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

#ifdef __cplusplus
extern "C" {
#endif

/* The path: BERTH_FAKE_NVML_LEDGER, else "ledger" beside `beside`. */
void ledger_path(char* out, size_t size, const char* beside);
/* Maps the ledger, creating an empty one where asked to; NULL with errno. */
Ledger* ledger_open(const char* path, int create);
/* The writers' lock: a descriptor to close, -1 with errno. */
int ledger_lock(const char* path);

/* Start time (field 22) of a live process that is no zombie, else 0. */
uint64_t ledger_start_time(uint64_t pid);
/* Whether the entry counts now. */
int ledger_alive(const Ledger* ledger, unsigned slot);
/* Bytes held on a GPU or an instance by live processes and ghosts. */
uint64_t ledger_used(const Ledger* ledger, uint64_t gpu);
/* Whether the process holds memory of the GPU or the instance. */
int ledger_is_on(const LedgerProcess* process, uint64_t target);
/* What traps compare: size and time of change, 0 where there is no such file. */
void ledger_file_state(const char* file, uint64_t* size, uint64_t* time_ns);
/* Springs the traps of a GPU that are due. */
void ledger_spring(Ledger* ledger, uint64_t gpu);
/* A free slot for the caller, who holds the lock; -1 when all are taken. */
int ledger_free_slot(const Ledger* ledger);

#ifdef __cplusplus
}
#endif
