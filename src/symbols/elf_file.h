/* An ELF file that is open: its segments, its build-id. */
#ifndef HD_SYMBOLS_ELF_FILE_H
#define HD_SYMBOLS_ELF_FILE_H

#include "base/vec.h"

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Longest build-id that is compared: SHA-1 has 20 bytes, and 64 is the most that
 * any linker writes. */
enum { HD_BUILD_ID_BYTES = 64, HD_BUILD_ID_TEXT = 2 * HD_BUILD_ID_BYTES + 1, HD_REASON = 1024 };

/* A PT_LOAD. */
struct hd_segment {
  uint64_t offset, file_size;
  uint64_t address, memory_size;
  bool executable;
};

struct hd_elf_file {
  int fd; /* -1: not open */
  Elf *elf;
  bool mapped; /* libelf was asked to map it, not to read it */
  char *path;
  struct stat identity; /* when it was opened */
  uint16_t machine;
  HD_VEC(struct hd_segment) segments;
  char build_id[HD_BUILD_ID_TEXT]; /* lower-case hex, "" none */
};

#define HD_ELF_FILE_INIT {.fd = -1}

enum hd_elf_result {
  HD_ELF_OPENED,
  HD_ELF_NO_FILE,  /* not there, not readable */
  HD_ELF_BAD_FILE, /* not a program or library in ELF, or damaged */
  HD_ELF_NO_MEMORY,
};

/* Opens `path`. Unless it succeeds, `file` stays closed and `reason` says why in
 * half a sentence. `whole`: the file's code must be in it; a file of debug
 * information alone has segments whose contents are elsewhere. */
enum hd_elf_result hd_elf_open(const char *path, bool whole, struct hd_elf_file *file,
                               char reason[HD_REASON]);
void hd_elf_close(struct hd_elf_file *file);

/* Where a byte of the file is mapped, relative to the load bias; false where no
 * segment holds it. */
bool hd_elf_address(const struct hd_elf_file *file, uint64_t offset, uint64_t *address);
/* Whether code can be at this address. */
bool hd_elf_executable(const struct hd_elf_file *file, uint64_t address);

/* The section of this name (".debug_line" finds an old ".zdebug_line", too), NULL
 * where there is none. */
Elf_Scn *hd_elf_section(Elf *elf, const char *name);

#endif
