/* Does a series rise, whatever its shape? */
#ifndef HD_ANALYSIS_MANN_KENDALL_H
#define HD_ANALYSIS_MANN_KENDALL_H

#include <stddef.h>

/* One-sided p of "it does not rise" (Mann 1945, Kendall 1975, with ties), the
 * variance corrected for autocorrelation of the ranks at lags up to
 * min(3, count/4), from 8 values on, and never made smaller by it (Hamed and Rao
 * 1998). At most HD_MANN_KENDALL_MOST values count: of more, evenly chosen ones. */
double hd_mann_kendall(const double *values, size_t count);

enum { HD_MANN_KENDALL_MOST = 256 };

#endif
