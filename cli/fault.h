/* A mapped file that becomes shorter while it is read is no reason to crash. */
#ifndef HEAPDIFF_CLI_FAULT_H
#define HEAPDIFF_CLI_FAULT_H

/* From now on SIGBUS from a file ends the program with status 3 and a line that names the
 * file: large debug files are mapped (src/symbols/elf_file.c), and what is being rebuilt or
 * copied over is cut first. Any other SIGBUS ends it as ever. */
void fault_watch(void);
/* Who has changed the terminal: called then, in the signal's handler. NULL: nobody any more. */
void fault_gives_back(void (*terminal)(void));

#endif
