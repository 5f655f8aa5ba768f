/* Where what is remembered lies: below XDG_STATE_HOME, else ~/.local/state. */
#ifndef HD_INPUT_STATE_H
#define HD_INPUT_STATE_H

#include "base/buffer.h"

/* Appends STATE/heapdiff/FOLDER/HASH, HASH being that of the working directory. With
 * `make` the folders above it are made, for nobody else to read. False where there is
 * no such place. */
bool hd_state_path(const char *folder, bool make, struct hd_buffer *path);

#endif
