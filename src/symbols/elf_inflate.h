/* Sections that libelf cannot decompress: zstd, of which elfutils knows from 0.189
 * on. */
#ifndef HD_SYMBOLS_ELF_INFLATE_H
#define HD_SYMBOLS_ELF_INFLATE_H

#include "symbols/elf_file.h"

/* Where a section of the file is compressed with zstd, replaces `elf` by a copy in
 * memory that has these sections plain; segments, build-id and path stay. A section
 * that is damaged, or claims to hold more than any compressor could have put there,
 * stays as it is, and `reason` says so; else `reason` is "". Gives HD_ELF_OPENED
 * or HD_ELF_NO_MEMORY. */
enum hd_elf_result hd_elf_inflate(struct hd_elf_file *file, char reason[HD_REASON]);

#endif
