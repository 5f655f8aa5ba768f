/* An output format: `src/reports/<format>.c` defines one constant of this type
 * and names it in reports.def. It prints a whole view into a buffer; a kind of
 * view that the format does not have is NULL. */
#ifndef HD_REPORTS_REPORT_H
#define HD_REPORTS_REPORT_H

#include "analysis/view.h"
#include "base/buffer.h"

struct hd_report_format {
  const char *name;
  void (*grid)(const struct hd_view *view, const struct hd_style *style, struct hd_buffer *out);
  void (*source)(const struct hd_view *view, const struct hd_style *style, struct hd_buffer *out);
  void (*chains)(const struct hd_view *view, const struct hd_style *style, struct hd_buffer *out);
  void (*evidence)(const struct hd_view *view, const struct hd_style *style,
                   struct hd_buffer *out);
  void (*findings)(const struct hd_view *view, const struct hd_style *style,
                   struct hd_buffer *out);
};

/* A cell as people read it, by the style's unit; without padding. */
void hd_cell_print(const struct hd_cell *cell, const struct hd_style *style,
                   struct hd_buffer *out);
/* A cell as one plain value without units, for CSV; texts are not quoted. */
void hd_cell_print_plain(const struct hd_cell *cell, struct hd_buffer *out);

/* Columns on a terminal that UTF-8 text takes (one each for its characters, two
 * for wide ones). */
size_t hd_text_width(const char *text);
/* Bytes of the character that a UTF-8 text begins with; 0: it is none. */
size_t hd_utf8_length(const unsigned char *text);
/* Appends text for people: control characters, which a hostile file could bring,
 * become "?", tabs blanks. */
void hd_print_clean(struct hd_buffer *out, const char *text);
/* Whether hd_print_clean would append it as it is; false of some texts with other than ASCII
 * that it would. */
bool hd_text_is_plain(const char *text, size_t length);

#endif
