/* What the files of the Markdown report share. */
#ifndef HD_REPORTS_MARKDOWN_H
#define HD_REPORTS_MARKDOWN_H

#include "reports/report.h"

/* Text whose characters mean themselves. */
void hd_markdown_text(struct hd_buffer *out, const char *text);
void hd_markdown_headline(const struct hd_view *view, const struct hd_style *style,
                          struct hd_buffer *out);
void hd_markdown_grid(const struct hd_grid *grid, const struct hd_style *style,
                      struct hd_buffer *out);
void hd_markdown_findings(const struct hd_view *view, const struct hd_style *style,
                          struct hd_buffer *out);

#endif
