/* What the files of the text report share. */
#ifndef HD_REPORTS_TEXT_H
#define HD_REPORTS_TEXT_H

#include "reports/report.h"

void hd_text_tone(struct hd_buffer *out, const struct hd_style *style, enum hd_tone tone);
void hd_text_untone(struct hd_buffer *out, const struct hd_style *style, enum hd_tone tone);
void hd_text_headline(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out);
/* Appends a text, padded to so many columns. */
void hd_text_pad(struct hd_buffer *out, const char *text, size_t width, bool left);
void hd_text_chains(const struct hd_view *view, const struct hd_style *style,
                    struct hd_buffer *out);
/* Titles, rows and sums of a grid. */
void hd_text_grid(const struct hd_grid *grid, const struct hd_style *style, struct hd_buffer *out);
void hd_text_evidence(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out);
void hd_text_findings(const struct hd_view *view, const struct hd_style *style,
                      struct hd_buffer *out);
/* A sentence: "±" as the style wants it. */
void hd_text_words(struct hd_buffer *out, const struct hd_style *style, const char *text);
void hd_text_source(const struct hd_view *view, const struct hd_style *style,
                    struct hd_buffer *out);

#endif
