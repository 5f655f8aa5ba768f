/* Standard output. All that is printed goes through stdio's buffer; main ends
 * with output_finish, so that no failed write is lost. */
#ifndef HEAPDIFF_CLI_OUTPUT_H
#define HEAPDIFF_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Standard input, output and error exist after this, whatever the caller closed:
 * no file that is opened later can be taken for one of them. */
void output_start(void);
/* An hd_write_fn; `context` is not used. */
bool output_write(void *context, const char *data, size_t length);
/* Writes out what is buffered; output_failed tells. */
void output_flush(void);
/* Whether something could not be written. */
bool output_failed(void);
/* Writes out what is left and closes standard output. Returns `status`, or, where
 * something could not be written, another: 141 in silence where nobody reads any
 * more, else STATUS_INTERNAL after a message. */
int output_finish(int status);

#endif
