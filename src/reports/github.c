/* Annotations of GitHub Actions: workflow commands, one a finding, which GitHub shows at
 * the line in the change; then the conclusion. The syntax:
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
#include "reports/report.h"

#include <inttypes.h>
#include <string.h>

/* A property ends at ":" and ","; a message at the line's end. */
static void put_escaped(struct hd_buffer *out, const char *text, bool property)
{
  for (const char *c = text; *c; c++) {
    if (strchr(property ? "%\r\n:," : "%\r\n", *c))
      hd_buffer_printf(out, "%%%02X", (unsigned char)*c);
    else if ((unsigned char)*c < ' ' || *c == 0x7f)
      hd_buffer_puts(out, "?");
    else
      hd_buffer_append(out, c, 1);
  }
}

static void put_finding(const struct hd_finding *finding, struct hd_buffer *out)
{
  static const char *const words[] = {"error", "warning", "notice"};
  hd_buffer_printf(out, "::%s ", words[finding->level]);
  if (finding->file) {
    hd_buffer_puts(out, "file=");
    put_escaped(out, finding->file, true);
    if (finding->line)
      hd_buffer_printf(out, ",line=%" PRIu32, finding->line);
    hd_buffer_puts(out, ",");
  }
  hd_buffer_printf(out, "title=heapdiff %s::", finding->rule);
  put_escaped(out, finding->name, false);
  hd_buffer_puts(out, " ");
  put_escaped(out, finding->text, false);
  if (finding->advice) {
    hd_buffer_puts(out, "%0A");
    put_escaped(out, finding->advice, false);
  }
  hd_buffer_puts(out, "\n");
}

static void print_findings(const struct hd_view *view, const struct hd_style *style,
                           struct hd_buffer *out)
{
  (void)style;
  for (size_t i = 0; i < view->findings.count; i++)
    put_finding(&view->findings.items[i], out);
  hd_buffer_puts(out, "heapdiff check ");
  hd_print_clean(out, view->conclusion);
  hd_buffer_puts(out, "\n");
}

extern const struct hd_report_format hd_report_github;
const struct hd_report_format hd_report_github = {.name = "github", .findings = print_findings};
