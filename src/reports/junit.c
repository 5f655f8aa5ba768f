/* JUnit's XML as CI systems read it: a test case for each budget, and one for each call
 * site that is over its own. */
#include "reports/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What XML has no place for becomes "?": control characters, and what is not UTF-8. */
static void put_escaped(struct hd_buffer *out, const char *text)
{
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    size_t length = hd_utf8_length(c);
    if (!length || (length == 1 && *c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f) {
      hd_buffer_puts(out, "?");
      c++;
      continue;
    }
    switch (*c) {
    case '&': hd_buffer_puts(out, "&amp;"); break;
    case '<': hd_buffer_puts(out, "&lt;"); break;
    case '>': hd_buffer_puts(out, "&gt;"); break;
    case '"': hd_buffer_puts(out, "&quot;"); break;
    case '\n': hd_buffer_puts(out, "&#10;"); break;
    default: hd_buffer_append(out, (const char *)c, length);
    }
    c += length;
  }
}

static void put_attribute(struct hd_buffer *out, const char *name, const char *text)
{
  hd_buffer_printf(out, " %s=\"", name);
  put_escaped(out, text);
  hd_buffer_puts(out, "\"");
}

static void open_case(struct hd_buffer *out, const char *rule, const char *name,
                      const struct hd_finding *finding)
{
  char class[64], line[16];
  snprintf(class, sizeof class, "heapdiff.%s", rule);
  hd_buffer_puts(out, "    <testcase");
  put_attribute(out, "classname", class);
  put_attribute(out, "name", name);
  hd_buffer_puts(out, " time=\"0\"");
  if (finding && finding->file) {
    put_attribute(out, "file", finding->file);
    if (finding->line) {
      snprintf(line, sizeof line, "%" PRIu32, finding->line);
      put_attribute(out, "line", line);
    }
  }
}

static void put_details(struct hd_buffer *out, const struct hd_finding *finding)
{
  put_escaped(out, finding->name);
  if (finding->file) {
    hd_buffer_puts(out, "  ");
    put_escaped(out, finding->file);
    hd_buffer_printf(out, ":%" PRIu32, finding->line);
  }
  hd_buffer_puts(out, "\n");
  put_escaped(out, finding->text);
  hd_buffer_puts(out, "\n");
  for (size_t i = 0; i < finding->stack_count; i++) {
    hd_buffer_puts(out, i ? "  called by " : "in ");
    put_escaped(out, finding->stack[i]);
    hd_buffer_puts(out, "\n");
  }
  for (size_t i = 0; i < finding->source.count; i++) {
    const struct hd_finding_line *line = &finding->source.items[i];
    hd_buffer_printf(out, "%s %5" PRIu32 "   ", line->number == finding->line ? "&gt;" : " ",
                     line->number);
    put_escaped(out, line->text);
    hd_buffer_puts(out, "\n");
  }
}

static void put_failure(struct hd_buffer *out, const struct hd_finding *finding)
{
  open_case(out, finding->rule, finding->name, finding);
  hd_buffer_puts(out, ">\n      <failure type=\"regression\"");
  put_attribute(out, "message", finding->text);
  hd_buffer_puts(out, ">");
  put_details(out, finding);
  hd_buffer_puts(out, "</failure>\n    </testcase>\n");
}

static size_t failures(const struct hd_view *view, const char *rule)
{
  size_t count = 0;
  for (size_t i = 0; i < view->findings.count; i++) {
    const struct hd_finding *finding = &view->findings.items[i];
    count += finding->level == HD_FINDING_ERROR && (!rule || strcmp(rule, finding->rule) == 0);
  }
  return count;
}

/* A budget that all are within: what is over it by chance, perhaps, is said. */
static void put_passed(struct hd_buffer *out, const struct hd_view *view, const char *rule)
{
  bool told = false;
  open_case(out, rule, "all call sites and the total", NULL);
  for (size_t i = 0; i < view->findings.count; i++) {
    const struct hd_finding *finding = &view->findings.items[i];
    if (finding->level != HD_FINDING_WARNING || strcmp(finding->rule, rule) != 0)
      continue;
    hd_buffer_puts(out, told ? "" : ">\n      <system-out>");
    told = true;
    put_escaped(out, finding->name);
    hd_buffer_puts(out, " ");
    put_escaped(out, finding->text);
    hd_buffer_puts(out, "\n");
  }
  hd_buffer_puts(out, told ? "</system-out>\n    </testcase>\n" : "/>\n");
}

static void print_findings(const struct hd_view *view, const struct hd_style *style,
                           struct hd_buffer *out)
{
  (void)style;
  size_t failed = failures(view, NULL), cases = failed;
  for (size_t i = 0; i < view->rules.count; i++)
    cases += failures(view, view->rules.items[i]) == 0;
  hd_buffer_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  hd_buffer_printf(out,
                   "<testsuites name=\"heapdiff check\" tests=\"%zu\" failures=\"%zu\" "
                   "errors=\"0\" time=\"0\">\n",
                   cases, failed);
  hd_buffer_printf(out,
                   "  <testsuite name=\"heapdiff check\" tests=\"%zu\" failures=\"%zu\" "
                   "errors=\"0\" skipped=\"0\" time=\"0\">\n",
                   cases, failed);
  for (size_t i = 0; i < view->rules.count; i++)
    if (!failures(view, view->rules.items[i]))
      put_passed(out, view, view->rules.items[i]);
  for (size_t i = 0; i < view->findings.count; i++)
    if (view->findings.items[i].level == HD_FINDING_ERROR)
      put_failure(out, &view->findings.items[i]);
  hd_buffer_puts(out, "    <system-out>");
  put_escaped(out, view->conclusion);
  hd_buffer_puts(out, "</system-out>\n  </testsuite>\n</testsuites>\n");
}

extern const struct hd_report_format hd_report_junit;
const struct hd_report_format hd_report_junit = {.name = "junit", .findings = print_findings};
